'use strict';
/*
 * V8 compiles a function at its first call, which would be in every clone of an action's snapshot.
 * So the driver has the entry compiled when it is loaded, and made ready to be optimised. V8 offers
 * this only to its own tests, as native syntax, which a flag opens; what was parsed while it was
 * open works on. And all that is loaded is compiled whole.
 */

const v8 = require('node:v8');

/* User code may replace these. */
const { apply } = Reflect;
const functionText = Function.prototype.toString;
/*
 * How the text of functions without source ends: built in, bound, proxies, WebAssembly. V8's tests
 * never ask to compile one.
 */
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

let whole = false;

/** The anticipation: from now on, what is loaded is compiled whole. */
function compileWhole() {
  whole = true;
}

/**
 * Loads code, and has V8 compile each function of it at once.
 * @template T
 * @param {() => Promise<T> | T} load
 */
async function compiling(load) {
  if (!whole) return await load();
  v8.setFlagsFromString('--no-lazy');
  try {
    return await load();
  } finally {
    v8.setFlagsFromString('--lazy');
  }
}

module.exports = { compile, compileWhole, compiling };
