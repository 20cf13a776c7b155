// How the Makefiles of the C parts compile each file: as make would print it.
import { execFileSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const COMPILER = 'cc';
const PARTS = ['libos', 'tender'];
/** Files of dependencies. */
const BESIDE = new Set(['-MMD', '-MP']);
/** A compiler's command, to its end or to what the shell does next. The file stands last. */
const COMMAND = new RegExp(`(?:^|[;&] *)(${COMPILER} [^;&]*? -o (\\S+) (\\S+\\.[cS]))(?= *$| *[;&])`, 'gm');

/**
 * One for each file of the parts, C and assembly, what is built for the guest alone included.
 * `directory` is where the command runs; `flags` are its arguments without the output and the file,
 * and without what is written beside the output.
 */
export function compilations() {
  return PARTS.flatMap((part) => {
    const directory = join(root, part);
    const printed = execFileSync('make', ['-nB', '-C', directory, `CC=${COMPILER}`], { encoding: 'utf8' });
    const commands = printed.replaceAll(/\\\n\s*/g, ' ').matchAll(COMMAND);
    return Array.from(commands, ([, command, output, file]) => ({
      part,
      directory,
      file,
      command,
      flags: command
        .slice(COMPILER.length, -` -o ${output} ${file}`.length)
        .trim()
        .split(/\s+/)
        .filter((flag) => !BESIDE.has(flag)),
    }));
  });
}
