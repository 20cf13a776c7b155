// vm, async_hooks, perf_hooks, readline on stdin, diagnostics, module loading, util.
import { AsyncLocalStorage, AsyncResource, createHook } from 'node:async_hooks';
import diagnostics from 'node:diagnostics_channel';
import { EventEmitter, on } from 'node:events';
import { createRequire } from 'node:module';
import { monitorEventLoopDelay, PerformanceObserver, performance } from 'node:perf_hooks';
import { createInterface } from 'node:readline/promises';
import { inspect, parseArgs, promisify, styleText } from 'node:util';
import v8 from 'node:v8';
import vm from 'node:vm';

console.log(vm.runInNewContext('a + [1].length', { a: 1 }), vm.runInThisContext('typeof require'));
try {
  vm.runInNewContext('for (;;);', {}, { timeout: 20 });
} catch (error) {
  console.log(error.code);
}
const storage = new AsyncLocalStorage();
let created = 0;
const hook = createHook({ init: () => created++ }).enable();
await storage.run({ id: 7 }, async () => {
  await new Promise((resolve) => setTimeout(resolve, 1));
  console.log(
    storage.getStore(),
    new AsyncResource('X').runInAsyncScope(() => storage.getStore().id),
  );
});
hook.disable();
console.log(created > 3);

const observer = new PerformanceObserver(() => {});
observer.observe({ entryTypes: ['measure'] });
performance.mark('a');
console.log(performance.measure('m', 'a').duration >= 0, performance.eventLoopUtilization().utilization >= 0);
observer.disconnect();
const delay = monitorEventLoopDelay({ resolution: 1 });
delay.enable();
await promisify(setTimeout)(10);
delay.disable();
console.log(delay.max > 0);

const lines = [];
for await (const line of createInterface({ input: process.stdin })) lines.push(line);
console.log(lines);

diagnostics.subscribe('ch', (message) => console.log(message));
diagnostics.channel('ch').publish({ published: true });
const emitter = new EventEmitter();
setImmediate(() => emitter.emit('x', 1));
for await (const [value] of on(emitter, 'x')) {
  console.log(value);
  break;
}
const require = createRequire(import.meta.url);
console.log(
  typeof require('node:fs').readFileSync,
  (await import('data:text/javascript,export default 3')).default,
);
console.log(
  parseArgs({ args: ['-v', '--n=1'], options: { v: { type: 'boolean', short: 'v' }, n: { type: 'string' } } })
    .values,
);
console.log(
  inspect(new Map([[{ a: [new Set([1])] }, Symbol('s')]]), { depth: 5 }),
  styleText('red', 'x').length > 0,
);
console.log(
  v8.deserialize(v8.serialize({ a: new Date(0), b: 1n })),
  v8.getHeapStatistics().heap_size_limit > 1e7,
);
console.log(
  process.platform,
  process.arch,
  process.argv.length,
  process.uptime() > 0,
  process.hrtime.bigint() > 0n,
  process.cpuUsage().user >= 0,
);
