// Writes compile_commands.json, by which editors and analysers know how each C file is compiled:
// `npm run compile-commands`.
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compilations } from './compilations.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const commands = compilations().map(({ directory, file, command }) => ({ directory, file, command }));
writeFileSync(join(root, 'compile_commands.json'), `${JSON.stringify(commands, null, 2)}\n`);
console.log(`${commands.length} C files`);
