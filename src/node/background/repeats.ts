import type { JsonValue } from '../../json/json-text.ts';

/** Results that are longer, or have more values, are compared up to there. */
const CHARS_MAX = 256 * 1024;
const VALUES_MAX = 2000;
const TEXT_MAX = 4096;
/** A shorter value says nothing: two clones count, or take a millisecond. */
const VALUE_MIN = 3;
/** A value that only contexts have which have run, and that is no counter. */
const KEPT_MIN = 8;
/** So many characters are not the same by chance; of others that differ, one may be. */
const PIECE = 4;
/** A repeat that is there in each of so many looks is none by chance. */
const LOOKS = 3;

/** Results of two clones of one snapshot, as JSON texts. */
export type Pair = readonly [string, string];

/**
 * Where clones of a recapture answer the same to the same arguments, and clones of the
 * snapshot from before its runs do not: the runs have left something that clones are to draw for
 * themselves. Undefined: nowhere.
 * @param recaptured two clones' results
 * @param before of two clones of the snapshot that they ran from
 */
export function repeatedValue(recaptured: Pair, before: Pair): string | undefined {
  if ([...recaptured, ...before].some(({ length }) => length > CHARS_MAX)) {
    return 'a result that is too long to be compared';
  }
  const [first, second] = recaptured.map(valuesOf);
  const [third, fourth] = before.map(valuesOf);
  for (const [path, value] of first ?? []) {
    if (isRepeated(value, second?.get(path), third?.get(path), fourth?.get(path))) {
      return path;
    }
  }
  return undefined;
}

/**
 * The same, told only when it is so in each of several looks: four characters of one random id are
 * those of another one once in some hundred looks.
 * @param look results of clones that are new each time
 */
export async function lastingRepeat(
  look: () => Promise<{ readonly recaptured: Pair; readonly before: Pair }>,
): Promise<string | undefined> {
  let path: string | undefined;
  for (let looks = 0; looks < LOOKS; looks++) {
    const { recaptured, before } = await look();
    path = repeatedValue(recaptured, before);
    if (path === undefined) return undefined;
  }
  return path;
}

type Text = string | undefined;

function isRepeated(a: string, b: Text, c: Text, d: Text): boolean {
  if (a === b) {
    return c === undefined && d === undefined ? a.length >= KEPT_MIN : c !== d && a.length >= VALUE_MIN;
  }
  return (
    b !== undefined &&
    c !== undefined &&
    d !== undefined &&
    [b, c, d].every(({ length }) => length === a.length) &&
    hasRepeatedPiece(a, b, c, d)
  );
}

function hasRepeatedPiece(a: string, b: string, c: string, d: string): boolean {
  let same = 0;
  for (let end = 1; end <= a.length; end++) {
    same = a[end - 1] === b[end - 1] ? same + 1 : 0;
    if (same >= PIECE && differing(c, d, end - PIECE, end) >= PIECE - 1) {
      return true;
    }
  }
  return false;
}

function differing(c: string, d: string, from: number, to: number): number {
  let count = 0;
  for (let at = from; at < to; at++) {
    count += Number(c[at] !== d[at]);
  }
  return count;
}

/** Texts and numbers, by where they stand. */
function valuesOf(text: string): Map<string, string> {
  const values = new Map<string, string>();
  const rest: [string, JsonValue][] = [['result', JSON.parse(text)]];
  for (let next = rest.pop(); next !== undefined && values.size < VALUES_MAX; next = rest.pop()) {
    const [path, value] = next;
    if (typeof value === 'string' || typeof value === 'number') {
      values.set(path, String(value).slice(0, TEXT_MAX));
    } else if (typeof value === 'object' && value !== null) {
      for (const [key, item] of Object.entries(value)) {
        rest.push([`${path}.${key.slice(0, 40)}`, item]);
      }
    }
  }
  return values;
}
