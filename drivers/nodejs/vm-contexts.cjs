'use strict';
/*
 * Contexts of node:vm have a Math.random of their own, whose state no one can reach. Each gets one that draws
 * from the main context's, so that a deploy reseeds it however long ago it was made.
 */

const vm = require('node:vm');

/* Only the context's own Math: a sandbox may hold that of another one under the name. */
const script = new vm.Script(`'use strict';
(draw) => {
  const { Math } = globalThis;
  if (typeof Math !== 'object' || Math === null || Math.__proto__ !== {}.__proto__) return;
  Math.random = { random() { return draw(); } }.random;
}`);

const { createContext, runInNewContext } = vm;
const { runInContext, runInNewContext: runScript } = vm.Script.prototype;
const { apply } = Reflect;

function contextOptions(options) {
  return Object(options) === options
    ? {
        ...(options.contextName !== undefined && { name: options.contextName }),
        ...(options.contextOrigin !== undefined && { origin: options.contextOrigin }),
        ...(options.contextCodeGeneration !== undefined && { codeGeneration: options.contextCodeGeneration }),
        ...(options.microtaskMode !== undefined && { microtaskMode: options.microtaskMode }),
      }
    : undefined;
}

/**
 * @param {(target: object, name: string, replacement: Function) => void} replace
 * @param {() => number} draw
 */
function seedNewContexts(replace, draw) {
  const seeded = (context) => {
    try {
      apply(runInContext, script, [context])(draw);
    } catch {
      /* A sandbox that does not let its Math be looked at has none that is ours to replace. */
    }
    return context;
  };
  const create = (object, options) =>
    vm.isContext(Object(object)) ? object : seeded(createContext(object, options));
  replace(vm, 'createContext', (object = {}, options = undefined) => create(object, options));
  replace(vm, 'runInNewContext', (code, object = {}, options = undefined) =>
    runInNewContext(code, create(object, contextOptions(options)), options),
  );
  replace(vm.Script.prototype, 'runInNewContext', function (object = {}, options = undefined) {
    return apply(runScript, this, [create(object, contextOptions(options)), options]);
  });
}

module.exports = { seedNewContexts };
