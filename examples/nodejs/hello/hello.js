/** The smallest function: one file, one exported name. */
function main({ name = 'stranger' }) {
  return { greeting: `Hello, ${name}!` };
}

exports.main = main;
