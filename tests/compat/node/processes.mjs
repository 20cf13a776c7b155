// Signals, exit events, child processes (which are refused cleanly), limits of the process.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import os from 'node:os';

/* Signal handlers keep no event loop alive. */
const alive = setInterval(() => {}, 1000);
process.on('SIGUSR2', (name, number) => console.log('handler', name, number));
process.kill(process.pid, 'SIGUSR2');
await once(process, 'SIGUSR2');
process.once('SIGTERM', () => console.log('SIGTERM caught'));
process.kill(process.pid, 'SIGTERM');
await new Promise((resolve) => setTimeout(resolve, 10));
try {
  process.kill(99_999_999, 0);
} catch (error) {
  console.log(error.code);
}
const [error] = await once(spawn('/nonexistent/program'), 'error');
console.log(error.syscall, error.path, spawnSync('/nonexistent/program').error?.syscall);
console.log(
  os.EOL === '\n',
  os.cpus().length > 0,
  os.totalmem() > 1e8,
  os.hostname().length > 0,
  os.tmpdir().length > 0,
  os.type(),
);
process.umask(0o27);
console.log(process.umask().toString(8), process.getuid() >= 0, process.title.length > 0);
clearInterval(alive);
process.on('exit', (code) => console.log('exit', code, process.exitCode));
process.on('beforeExit', () => console.log('beforeExit'));
process.exitCode = 9;
