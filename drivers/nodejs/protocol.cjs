'use strict';
/* Which version of docs/reference/driver-protocol.md this driver speaks: that of its node, or it ends. */

const VERSION = 1;
const VARIABLE = 'SEUSS_DRIVER_VERSION';

/* What is wrong with the node that started the driver; undefined if it speaks our version. */
function fault() {
  const { [VARIABLE]: node } = process.env;
  delete process.env[VARIABLE];
  if (node === String(VERSION)) return undefined;
  const speaks = node === undefined ? 'names no version' : `speaks version ${node}`;
  return `seuss: the node ${speaks} of the driver protocol, the driver speaks version ${VERSION}`;
}

module.exports = { VERSION, fault };
