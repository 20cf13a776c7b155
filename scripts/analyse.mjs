// Has gcc's static analyser look at the C of the tender and the library OS: `npm run analyse`.
// It fails on a warning.
// Of gcc 12 all checks are on; another version may find other false positives. A whole run takes a minute.
import { spawnSync } from 'node:child_process';
import { build } from './build.mjs';
import { compilations } from './compilations.mjs';

/** Checks that are wrong about a file, and why. */
const EXCEPTIONS = [
  ['libos/boot/embryo.c', 'null-dereference', 'a message without a plan is refused before the loop'],
  ['libos/fs/tmpfs/tmpfs_dir.c', 'null-dereference', 'an entry of a directory is found in its table'],
  ['libos/net/packet.c', 'null-dereference', 'only a queue that holds a packet is popped or received from'],
  ['tender/base/base.c', 'double-free', 'realloc frees for a size of 0, which doubling never gives'],
  ['tender/base/base.c', 'malloc-leak', 'the caller gets the block; a realloc that fails ends the process'],
  ['tender/memory/image.c', 'use-of-uninitialized-value', 'errno is not 0 after a call that failed'],
  ['tender/sandbox/embryo_start.c', 'use-of-uninitialized-value', 'assembly sets the result'],
  ['tender/uc/hostfs.c', 'malloc-leak', 'the list of mounts holds the copy'],
];

/** True when the analyser has nothing to say about the file. */
function isClean({ part, directory, flags, file }) {
  const off = EXCEPTIONS.filter(([path]) => path === `${part}/${file}`).map(
    ([, check]) => `-Wno-analyzer-${check}`,
  );
  const args = [...flags, '-fanalyzer', ...off, '-c', '-o', '/dev/null', file];
  return spawnSync('gcc', args, { cwd: directory, stdio: 'inherit' }).status === 0;
}

/** The build makes the files that are included. */
function analyse() {
  if (!build()) return false;
  const results = compilations()
    .filter(({ file }) => file.endsWith('.c'))
    .map(isClean);
  console.log(`analysed ${results.length} files, ${results.filter((clean) => !clean).length} with warnings`);
  return results.length > 0 && results.every(Boolean);
}

process.exitCode = analyse() ? 0 : 1;
