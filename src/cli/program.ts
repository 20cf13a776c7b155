import { commandLine } from './command-line.ts';
import { reportError } from './errors.ts';
import { joinParamWords } from './options.ts';
import { removeOwnCode } from './with-node.ts';

process.once('exit', removeOwnCode);
const words = process.argv.slice(2);
try {
  await commandLine().parseAsync(joinParamWords(words), { from: 'user' });
} catch (error) {
  const own = words.includes('--') ? words.slice(0, words.indexOf('--')) : words;
  process.exitCode = reportError(error, own.includes('--json'));
}
