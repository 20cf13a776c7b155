/**
 * Version of docs/reference/driver-protocol.md that the node speaks. Each driver has its own number, says it
 * when it has booted, and runs with no node of another one. docs/guides/raise-a-version.md says when to raise
 * it.
 */
export const DRIVER_VERSION = 1;

/** Tells a driver the node's version. It is gone before code of others can see it. */
export const DRIVER_VERSION_VARIABLE = 'SEUSS_DRIVER_VERSION';
