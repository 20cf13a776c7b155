// A lot of output through a pipe arrives whole, also when the process exits at once.
import { writeSync } from 'node:fs';

for (let i = 0; i < 20_000; i++) console.log('line', i, { nested: [i] });
writeSync(1, 'direct\n');
process.stdout.write('é'.repeat(100_000), () => process.exit(3));
