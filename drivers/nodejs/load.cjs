'use strict';
/* Turns an action's code into the function to call, by OpenWhisk's conventions for Node.js. */

const fs = require('node:fs');
const Module = require('node:module');
const os = require('node:os');
const path = require('node:path');
const { pathToFileURL } = require('node:url');
const vm = require('node:vm');

const IDENTIFIER = /^[\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*$/u;
const MODULE_FILES = ['', '.js', '.cjs', '.mjs'];
/* How V8's message begins when the source is an ES module, in Node.js 20 to 24. */
const MODULE_SYNTAX = [
  'Cannot use import statement outside a module',
  "Unexpected token 'export'",
  "Cannot use 'import.meta' outside a module",
  'await is only valid in async functions',
];
const LOAD_AS_MODULE = new Set(['ERR_REQUIRE_ESM', 'ERR_REQUIRE_ASYNC_MODULE', 'ERR_REQUIRE_CYCLE_MODULE']);

/** @typedef {{ target: Function, owner: object | undefined }} Entry */

/**
 * @param {{ main: string, source?: string, filename?: string, dir?: string }} message of `init`
 * @returns {Promise<Entry> | Entry}
 */
function load({ main = 'main', source, filename, dir }) {
  if (dir !== undefined) return loadFolder(dir, main);
  if (source === undefined || source === '') throw new Error('Missing main/no code to execute.');
  return loadSource(source, filename ?? 'index.js', main);
}

function loadSource(source, filename, main) {
  if (filename.endsWith('.mjs')) return loadSourceAsModule(source, filename, main);
  try {
    return runSource(source, path.resolve(filename), main);
  } catch (error) {
    if (!isModuleSyntax(error)) throw error;
    return loadSourceAsModule(source, filename, main);
  }
}

function isModuleSyntax(error) {
  if (!(error instanceof SyntaxError)) return false;
  const message = String(error.message);
  return MODULE_SYNTAX.some((text) => message.startsWith(text));
}

/** Runs text as the body of a sloppy function; main may be local to it, exported, or global. */
function runSource(source, filename, main) {
  const names = main.split('.');
  const body = source.startsWith('#!') ? `//${source}` : source;
  const local = IDENTIFIER.test(names[0])
    ? `\n;return typeof ${names[0]} === 'undefined' ? undefined : ${names[0]};`
    : '';
  const module = new Module(filename, null);
  module.filename = filename;
  module.paths = Module._nodeModulePaths(path.dirname(filename));
  const wrapper = compile(body, local, filename);
  const found = wrapper.call(
    module.exports,
    module.exports,
    Module.createRequire(filename),
    module,
    filename,
    path.dirname(filename),
  );
  module.loaded = true;
  return (
    findIn({ [names[0]]: found }, names) ??
    findIn(module.exports, names) ??
    findIn(globalThis, names) ??
    notFound(main)
  );
}

function compile(body, tail, filename) {
  const parameters = ['exports', 'require', 'module', '__filename', '__dirname'];
  const importModuleDynamically = vm.constants?.USE_MAIN_CONTEXT_DEFAULT_LOADER;
  const options =
    importModuleDynamically === undefined ? { filename } : { filename, importModuleDynamically };
  try {
    return vm.compileFunction(body + tail, parameters, options);
  } catch (error) {
    /* main may be a reserved word that only exports can have: `default`. */
    if (tail === '' || isModuleSyntax(error)) throw error;
    return vm.compileFunction(body, parameters, options);
  }
}

/** An ES module needs a place to import from; a folder of its own in /tmp is that. */
async function loadSourceAsModule(source, filename, main) {
  const name = `${path.basename(filename, path.extname(filename))}.mjs`;
  const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'action-')), name);
  fs.writeFileSync(file, source);
  return findExport(await import(pathToFileURL(file).href), main.split('.')) ?? notFound(main);
}

async function loadFolder(dir, main) {
  process.chdir(dir);
  const { file, names } = locate(dir, main);
  return findExport(await loadFile(file), names) ?? notFound(main);
}

/**
 * `--main other.niam.xyz` is the export niam.xyz of the file other; without such a file, a path of
 * exports.
 */
function locate(dir, main) {
  const names = main.split('.');
  if (names.length > 1) {
    const file = findFile(path.join(dir, names[0]));
    if (file !== undefined) return { file, names: names.slice(1) };
  }
  const file = findMain(dir);
  if (file === undefined) {
    throw new Error('Zipped actions must contain either package.json or index.js at the root.');
  }
  return { file, names };
}

function findFile(base) {
  return MODULE_FILES.map((suffix) => base + suffix).find((file) =>
    fs.statSync(file, { throwIfNoEntry: false })?.isFile(),
  );
}

function findMain(dir) {
  const manifest = path.join(dir, 'package.json');
  const main = fs.existsSync(manifest) ? JSON.parse(fs.readFileSync(manifest, 'utf8')).main : undefined;
  if (typeof main === 'string') {
    const file = findFile(path.resolve(dir, main)) ?? findFile(path.resolve(dir, main, 'index'));
    if (file === undefined) throw new Error(`Cannot find "${main}", the "main" of package.json.`);
    return file;
  }
  return findFile(path.join(dir, 'index'));
}

async function loadFile(file) {
  if (!file.endsWith('.mjs')) {
    try {
      return Module.createRequire(file)(file);
    } catch (error) {
      if (!LOAD_AS_MODULE.has(error?.code) && !isModuleSyntax(error)) throw error;
    }
  }
  return import(pathToFileURL(file).href);
}

/** In a module's own exports, or in what its default export holds. */
function findExport(exports, names) {
  return (
    findIn(exports, names) ?? (exports?.default === undefined ? undefined : findIn(exports.default, names))
  );
}

/** @returns {Entry | undefined} */
function findIn(root, names) {
  let owner;
  let value = root;
  for (const name of names) {
    if (value === null || value === undefined) return undefined;
    owner = value;
    value = value[name];
  }
  if (typeof value !== 'function') return undefined;
  return { target: value, owner: names.length > 1 ? owner : undefined };
}

function notFound(main) {
  throw new Error(`Action entrypoint '${main}' is not a function.`);
}

module.exports = { load };
