/** What a C tree declares in headers and defines in sources, found by the form of its lines. */
import { filesBelow, read } from './tree.ts';

const COMMENT = /\/\*[\s\S]*?\*\//g;
const ATTRIBUTE = /__attribute__\(\((?:[^()]|\([^()]*\))*\)\)|\bprintf_fn\([^)]*\)/g;
const FUNCTION = /^(?!typedef|static|return|else|#|_)[a-z][\w \t*]*?[ *](\w+)\([^;{}]*\)\s*([;{])/gm;
/** A list of system calls, expanded by sys/calls.h. */
const CALL = /^CALL\((\w+)\)/gm;
const GLOBAL = /^\s*\.globl?\s+(\w+)/gm;

/** Of each function the files that do it. */
type Functions = Map<string, string[]>;

export interface TreeFunctions {
  /** In headers. */
  readonly declared: Functions;
  /** In C and assembly, for other files. */
  readonly defined: Functions;
}

function add(functions: Functions, name: string, path: string): void {
  functions.set(name, [...(functions.get(name) ?? []), path]);
}

export function functionsOf(tree: string): TreeFunctions {
  const declared: Functions = new Map();
  const defined: Functions = new Map();
  for (const path of filesBelow(tree, /\.[chS]$/)) {
    const text = read(path).replace(COMMENT, '').replace(ATTRIBUTE, '');
    for (const [, name, end] of text.matchAll(FUNCTION)) {
      if (end === ';' && path.endsWith('.h')) add(declared, name as string, path);
      if (end === '{' && path.endsWith('.c')) add(defined, name as string, path);
    }
    for (const [, name] of text.matchAll(CALL)) add(declared, `sys_${name}`, path);
    if (path.endsWith('.S')) for (const [, name] of text.matchAll(GLOBAL)) add(defined, name as string, path);
  }
  return { declared, defined };
}
