/**
 * `{blocks, from, to}`: the quickest way across a city of so many blocks a side. All ways are
 * worked out first, which takes long, and is the same for all ways in that city. With `blocks`
 * fixed it is done once, and later invocations start where `from` is read:
 *
 *     npx seuss invoke examples/nodejs/route/route.js -p blocks 20 -p from 3 -p to 390 \
 *       --specialize blocks --repeat 4
 */
exports.main = (args) => {
  const { blocks = 8 } = args;
  const city = { crossings: blocks * blocks, ...allWays(blocks) };
  const { from = 0, to = city.crossings - 1 } = args;
  if (!(from in city.next && to in city.next)) {
    return { error: `the city has the crossings 0 to ${city.crossings - 1}` };
  }
  const way = [from];
  for (let at = from; at !== to; at = city.next[at][to]) way.push(city.next[at][to]);
  return { seconds: city.seconds[from][to], way };
};

/** Between every two crossings: how long it takes, and where to go first (Floyd and Warshall). */
function allWays(blocks) {
  const crossings = Array.from({ length: blocks * blocks }, (_, crossing) => crossing);
  const seconds = crossings.map((a) => crossings.map((b) => streetSeconds(a, b, blocks)));
  const next = crossings.map(() => [...crossings]);
  for (const via of crossings) {
    for (const a of crossings) {
      for (const b of crossings) {
        const detour = seconds[a][via] + seconds[via][b];
        if (detour < seconds[a][b]) {
          seconds[a][b] = detour;
          next[a][b] = next[a][via];
        }
      }
    }
  }
  return { seconds, next };
}

/** Neighbours are 20 to 79 seconds apart, as the traffic is. */
function streetSeconds(a, b, blocks) {
  if (a === b) return 0;
  const across = Math.abs((a % blocks) - (b % blocks));
  const down = Math.abs(Math.floor(a / blocks) - Math.floor(b / blocks));
  return across + down === 1
    ? 20 + (((a + b) * 7919 + Math.min(a, b) * 104729) % 60)
    : Number.POSITIVE_INFINITY;
}
