// A lot of output through a pipe arrives whole, also when the process exits at once.
for (let i = 0; i < 20_000; i++) console.log('line', i, { nested: [i] });
process.stdout.write('é'.repeat(100_000), () => process.exit(3));
