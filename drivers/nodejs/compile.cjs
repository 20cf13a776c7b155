'use strict';
/*
 * V8 compiles a function at its first call. The first call of an action's entry would be in every clone
 * of its snapshot, so the driver has it compiled when it is loaded. V8 offers this only to its own
 * tests, as native syntax, which a flag opens; what was parsed while it was open works on.
 */

const v8 = require('node:v8');

/* User code may replace these. */
const { apply } = Reflect;
const functionText = Function.prototype.toString;
/* How the text of functions without source ends: built in, bound, proxies, WebAssembly. V8's tests never ask to compile one. */
const NO_SOURCE = '{ [native code] }';

/** @returns {(entry: Function) => void} does nothing where this V8 lacks the function */
function makeCompiler() {
  v8.setFlagsFromString('--allow-natives-syntax');
  try {
    const compile = new Function('entry', '%PrepareFunctionForOptimization(entry)');
    compile(() => {});
    return compile;
  } catch {
    return () => {};
  } finally {
    v8.setFlagsFromString('--no-allow-natives-syntax');
  }
}

const compileSource = makeCompiler();

/** Compiles a function without calling it. */
function compile(entry) {
  if (!apply(functionText, entry, []).endsWith(NO_SOURCE)) compileSource(entry);
}

module.exports = { compile };
