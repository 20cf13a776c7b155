import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageDir } from '../contract/paths.ts';

const manifest = JSON.parse(readFileSync(join(packageDir, 'package.json'), 'utf8')) as { version: string };

export const VERSION = manifest.version;
