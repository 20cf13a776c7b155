'use strict';
/* What became of a run, as the text of the `result` message. */

const { stringify } = JSON;

const NOT_A_DICTIONARY = 'The action did not return a dictionary.';
const TOO_DEEP = 'The action produced a response that is nested more than 1000 levels deep.';

/** A value that the function returned, or that its promise was fulfilled with. */
function returned(value) {
  if (value === undefined) return ok('{}');
  if (typeof value !== 'object' || value === null) return developerError(NOT_A_DICTIONARY);
  let text;
  try {
    text = stringify(value);
  } catch (error) {
    if (isStackExhausted(error)) return applicationError(stringify({ error: TOO_DEEP }));
    return developerError(`${NOT_A_DICTIONARY} ${describe(error)}`);
  }
  /* toJSON may have made anything of it. */
  const first = text === undefined ? '' : text[0];
  if (first !== '{' && first !== '[') return developerError(NOT_A_DICTIONARY);
  return first === '{' && value.error !== undefined ? applicationError(text) : ok(text);
}

/** A promise that was rejected. */
function rejected(reason) {
  return applicationError(`{"error":${serializeReason(reason)}}`);
}

/** A synchronous throw. */
function thrown(error) {
  return developerError(`An error has occurred: ${describe(error)}`);
}

function serializeReason(reason) {
  if (!reason) return '{}';
  try {
    return stringify(plain(reason, [])) ?? '{}';
  } catch {
    return stringify(describe(reason));
  }
}

/** Errors keep name, message, stack and whatever else they carry; cycles are cut. */
function plain(value, ancestors) {
  if (typeof value === 'function') return `[Function: ${value.name || 'anonymous'}]`;
  if (typeof value === 'bigint') return String(value);
  if (typeof value !== 'object' || value === null || typeof value.toJSON === 'function') return value;
  if (ancestors.includes(value)) return '[Circular]';
  const inside = [...ancestors, value];
  if (Array.isArray(value)) return value.map((item) => plain(item, inside));
  const copy = {};
  for (const name of Object.keys(value)) copy[name] = plain(value[name], inside);
  for (const name of ['name', 'message', 'stack', 'code']) {
    if (typeof value[name] === 'string') copy[name] = value[name];
  }
  return copy;
}

/** A thrown value in words; it may be one that cannot even be turned into text. */
function describe(error) {
  try {
    return String(error);
  } catch {
    return 'a value without text';
  }
}

/** Stack of an error, or the value in words. */
function trace(error) {
  try {
    if (typeof error?.stack === 'string') return error.stack;
  } catch {
    /* A getter of the function's. */
  }
  return describe(error);
}

/** The encoder is recursive. */
function isStackExhausted(error) {
  return error instanceof RangeError && /call stack/.test(error.message);
}

const ok = (text) => `"ok","value":${text}`;
const applicationError = (text) => `"application_error","value":${text}`;
const developerError = (message) => `"developer_error","value":${stringify({ error: message })}`;

module.exports = { returned, rejected, thrown, trace, developerError };
