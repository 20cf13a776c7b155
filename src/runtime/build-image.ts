/** `npm run --silent image -- python:3.11`: builds a kind's root image and prints its path. */
import { resolveKind } from './kinds.ts';
import { rootImage } from './root-image.ts';

const kind = resolveKind(process.argv[2] ?? 'nodejs:default');
const { path } = await rootImage(kind, (message) => console.error(message));
console.log(path);
