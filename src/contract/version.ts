import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageDir } from './paths.ts';

const manifest = JSON.parse(readFileSync(join(packageDir, 'package.json'), 'utf8')) as { version: string };

/** The package's. */
export const VERSION = manifest.version;
