import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { hasModule, interpreterOf } from '../../bench/cases.ts';
import { packageDir } from '../../contract/paths.ts';
import { standardKindOf } from '../../runtime/kinds.ts';
import { LANGUAGES } from '../../runtime/languages.ts';

export interface Example {
  /** `nodejs-hello`: name of the action too. */
  readonly name: string;
  readonly kind: string;
  /** A source file or a folder. */
  readonly path: string;
  /** Host path of the interpreter, for the plain process beside it. */
  readonly interpreter: string;
}

interface ExampleList {
  readonly examples: readonly Example[];
  /** One line for each example that this host cannot run, with the command that changes it. */
  readonly skipped: readonly string[];
}

const ENTRY_POINTS = ['package.json', '__main__.py'];

/** The functions in examples/, as far as their interpreters and packages are installed. */
export function listExamples(): ExampleList {
  const examples: Example[] = [];
  const skipped: string[] = [];
  for (const each of LANGUAGES) {
    const language = each.name;
    const kind = standardKindOf(each);
    const interpreter = interpreterOf(kind);
    const dir = join(packageDir, 'examples', language);
    for (const folder of foldersOf(dir)) {
      const lacking =
        interpreter === undefined ? [language] : missingPackages(interpreter, join(dir, folder));
      if (interpreter === undefined || lacking.length > 0) {
        skipped.push(`${language}/${folder}: run: sudo apt-get install -y ${lacking.join(' ')}`);
        continue;
      }
      examples.push({
        name: `${language}-${folder}`,
        kind,
        path: pathOf(join(dir, folder), folder),
        interpreter,
      });
    }
  }
  return { examples, skipped };
}

function foldersOf(dir: string): string[] {
  const listing = readdirSync(dir, { withFileTypes: true });
  return listing.flatMap((item) => (item.isDirectory() ? [item.name] : [])).sort();
}

/** A folder with an entry point is deployed whole, another by the one file in it. */
function pathOf(dir: string, name: string): string {
  if (ENTRY_POINTS.some((file) => existsSync(join(dir, file)))) return dir;
  const file = readdirSync(dir).find((candidate) => candidate.startsWith(`${name}.`));
  return file === undefined ? dir : join(dir, file);
}

/**
 * Debian packages of debian-packages.txt (lines of package and module) that the interpreter does
 * not find.
 */
function missingPackages(interpreter: string, dir: string): string[] {
  const list = join(dir, 'debian-packages.txt');
  if (!existsSync(list)) return [];
  return readFileSync(list, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split(' ') as [string, string])
    .filter(([, module]) => !hasModule(interpreter, module))
    .map(([debianPackage]) => debianPackage);
}
