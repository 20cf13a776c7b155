import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { libosPath, tenderPath } from '../contract/paths.ts';
import { resolveKind, standardKindOf } from '../runtime/kinds.ts';
import { LANGUAGES } from '../runtime/languages.ts';
import { listRuntimes } from '../runtime/runtimes.ts';
import { type Check, check } from './check.ts';

export function programChecks(): Check[] {
  const install = 'sudo apt-get install -y gcc make libc6-dev';
  return [
    program('C compiler', 'cc', 'It builds the library OS and the tender.', install),
    program('make', 'make', 'It builds the library OS and the tender.', install),
    program(
      'flock',
      'flock',
      'With it seuss serve keeps its store to itself.',
      'sudo apt-get install -y util-linux',
      'warning',
    ),
    built(),
    ...interpreters(),
  ];
}

function program(
  title: string,
  command: string,
  means: string,
  remedy: string,
  otherwise: 'warning' | 'missing' = 'missing',
): Check {
  const { status, stdout } = spawnSync(command, ['--version'], { encoding: 'utf8' });
  const there = status === 0;
  const found = there ? (stdout.split('\n')[0] ?? '') : 'not found';
  return check(title, there, { found, means, remedy, otherwise });
}

function built(): Check {
  const there = existsSync(libosPath) && existsSync(tenderPath);
  return check('C parts', there, {
    found: there ? 'built' : 'not built',
    means: 'The library OS and the tender run every function.',
    remedy: 'npm run build',
  });
}

function interpreters(): Check[] {
  const standard = new Set(LANGUAGES.map(standardKindOf));
  return listRuntimes().map(({ kind: name, interpreter }) => {
    const kind = resolveKind(name);
    const means = `Functions of the kind ${name} need it.`;
    const remedy = kind.language.remedy(kind);
    const optional = interpreter === undefined && !standard.has(name);
    return check(`runtime ${name}`, interpreter !== undefined || optional, {
      found: interpreter ?? (optional ? `not installed; ${remedy}` : 'not installed'),
      means,
      remedy,
      otherwise: 'warning',
    });
  });
}
