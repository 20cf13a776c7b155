/**
 * Marks the place from which later invocations of the function go on: the node captures the context
 * here, in the first run after the one that loaded the code, and starts each later invocation at this place,
 * with its own arguments, instead of at the beginning of `main`. What ran before, ran once.
 *
 * Synchronous; to be called from `main` or anything that it calls or awaits. The arguments object that
 * `main` was called with holds the arguments of the invocation that goes on, from then on; values that
 * were copied out of it before do not change, so read arguments after the call. The same holds for
 * the variables `__OW_*` of `process.env`.
 *
 * Only the first call of a run counts. It also returns at once where there is nothing to capture:
 * while the code is loaded, in a context that has served before, outside of Seuss. When random
 * values were drawn before it, nothing is captured either, since all invocations would share them.
 *
 * @param args returned where there is no invocation, as outside of Seuss:
 *   `const { name } = checkpoint(params)`
 * @returns the arguments of the invocation that goes on
 */
export declare function checkpoint(): Record<string, unknown> | undefined;
export declare function checkpoint<T>(args: T): T;
