'use strict';
/*
 * Loaded ahead of everything else into the main thread, where it does nothing, and into each worker
 * thread.
 */

const { isMainThread } = require('node:worker_threads');

if (!isMainThread) require('./reseed.cjs').install();
