// Writes docs/reference/errors.md from src/contract/error-codes.ts: `node scripts/errors.mjs` with the pinned
// Node.js; with --check it only says whether the page is up to date.
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CATALOG_ERRORS } from '../src/catalog/catalog-error.ts';
import { ERRORS } from '../src/contract/error-codes.ts';

const page = join(dirname(dirname(fileURLToPath(import.meta.url))), 'docs/reference/errors.md');

const rows = Object.entries(ERRORS)
  .sort(([a], [b]) => (a < b ? -1 : 1))
  .map(([code, { http, exit, means }]) => `| \`${code}\` | ${http} | ${exit} | ${means} |`);
const text = `# Errors

The platform's errors have a code that stays. The API answers with it as \`reason\`, the command line
prints it with \`--json\`. Errors of a function are no errors of the platform: they are activations.
What to do about one stands in its message.

What the catalogue of actions refuses is answered in OpenWhisk's words, without a \`reason\`:
${CATALOG_ERRORS.map((code) => `\`${code}\``).join(', ')}.

Statuses are those of the API; exit statuses those of the command line. This page is made by
\`scripts/errors.mjs\`.

| code | HTTP | exit | what it means |
| --- | --- | --- | --- |
${rows.join('\n')}
`;

if (!process.argv.includes('--check')) {
  writeFileSync(page, text);
} else if (readFileSync(page, 'utf8') !== text) {
  console.error(`${page} is out of date; run: node scripts/errors.mjs`);
  process.exitCode = 1;
}
