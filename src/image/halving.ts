/** Index of the last item whose key is at or below `key`, or -1. The items are sorted by their keys. */
export function lastAtOrBelow<T>(items: readonly T[], keyOf: (item: T) => number, key: number): number {
  let [low, high] = [0, items.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (keyOf(items[middle] as T) <= key) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
