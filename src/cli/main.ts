import { enableCompileCache } from 'node:module';
import { join } from 'node:path';
import { dataDir } from '../contract/paths.ts';

// Halves the start of the command line. The folder is the user's own: compiled code is code.
enableCompileCache(join(dataDir(), 'compile-cache'));
await import('./program.ts');
