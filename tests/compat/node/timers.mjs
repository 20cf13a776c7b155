// Order of ticks, microtasks, timers and immediates; intervals, promises, abort, sleeps.
import { performance } from 'node:perf_hooks';
import { setInterval as every, scheduler, setTimeout as sleep } from 'node:timers/promises';

await new Promise((done) => {
  const log = [];
  setTimeout(() => log.push('timeout 20'), 20);
  setTimeout(() => log.push('timeout 1'), 1);
  setImmediate(() => log.push('immediate'));
  process.nextTick(() => log.push('tick'));
  queueMicrotask(() => log.push('microtask'));
  log.push('sync');
  setTimeout(() => {
    console.log(
      log.filter((item) => item !== 'immediate' && item !== 'timeout 1'),
      log.length,
    );
    done();
  }, 60);
});
let ticks = 0;
for await (const _ of every(2)) if (++ticks === 5) break;
console.log(ticks, await sleep(5, 'value'), await scheduler.yield());
const start = performance.now();
await sleep(50);
const took = performance.now() - start;
console.log(took >= 49 && took < 2000);
console.log(await sleep(10_000, null, { signal: AbortSignal.timeout(10) }).catch((error) => error.name));
const timer = setTimeout(() => console.log('never'), 1);
clearTimeout(timer);
setTimeout(() => console.log('never'), 1e6).unref();
const alive = setTimeout(() => {}, 1000);
const shared = new Int32Array(new SharedArrayBuffer(4));
console.log(Atomics.wait(shared, 0, 0, 10), await Atomics.waitAsync(shared, 0, 0, 10).value);
clearTimeout(alive);
