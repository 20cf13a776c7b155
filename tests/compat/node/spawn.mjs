// Starting a program works on Linux; in a UC it fails with an error event, not a crash.
import { spawn } from 'node:child_process';

const child = spawn('/bin/echo', ['from the child'], { stdio: ['ignore', 'pipe', 'inherit'] });
child.on('error', (error) => console.log('error', error.syscall));
child.stdout?.on('data', (chunk) => console.log(String(chunk).trim()));
child.on('close', (code) => console.log('closed', code));
