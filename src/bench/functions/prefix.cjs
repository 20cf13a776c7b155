/** Computes for `ms` milliseconds of processor time, and needs `x` only then. */
exports.main = (args) => {
  const { ms = 0 } = args;
  const begun = process.cpuUsage();
  let steps = 0;
  for (let used = 0; used < ms * 1000; steps++) {
    const { user, system } = process.cpuUsage(begun);
    used = user + system;
  }
  return { worked: steps > 0, x: args.x ?? null };
};
