// Writes compile_commands.json, by which editors and analysers know how each C file is compiled:
// `npm run compile-commands`.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** What make would run for a part, if all of it were out of date. */
function commandsOf(part) {
  const directory = join(root, part);
  const printed = execFileSync('make', ['-nB', '-C', directory], { encoding: 'utf8' });
  const lines = printed.replaceAll('\\\n', ' ').split('\n');
  return lines.flatMap((line) => {
    const [command, file] = /\bcc -.* -c .*?(\S+\.[cS])(?= |$).*/.exec(line) ?? [];
    return command === undefined ? [] : [{ directory, file, command }];
  });
}

const commands = ['libos', 'tender'].flatMap(commandsOf);
writeFileSync(join(root, 'compile_commands.json'), `${JSON.stringify(commands, null, 2)}\n`);
console.log(`${commands.length} C files`);
