'use strict';
/*
 * The program that Node.js runs in a unikernel context: tells the node that it has booted,
 * then serves init and run messages. docs/reference/driver-protocol.md
 *
 *     node driver.cjs [--no-ao[=ITEM,ITEM]]
 *
 * --no-ao leaves out anticipation, or some items of anticipations.json.
 */

const { setTimeout: sleep } = require('node:timers/promises');

const { anticipate } = require('./anticipate.cjs');
const { Channel, openDevice } = require('./channel.cjs');
const draws = require('./draws.cjs');
const observation = require('./observe.cjs');
const output = require('./output.cjs');
const protocol = require('./protocol.cjs');
const reseeding = require('./reseed.cjs');
const { Server } = require('./serve.cjs');

async function main() {
  const fault = protocol.fault();
  if (fault !== undefined) {
    console.error(fault);
    process.exitCode = 1;
    return;
  }
  reseeding.install();
  draws.install();
  observation.install();
  output.install();
  const [, flag, items = ''] = /^(--no-ao)(?:=(.*))?$/.exec(process.argv[2]) ?? [];
  if (flag === undefined || items !== '') await anticipate(items.split(','));
  const channel = new Channel(openDevice(process.env.SEUSS_DEVICE));
  delete process.env.SEUSS_DEVICE;
  output.tellWith((line) => channel.writeLine(line));
  const server = new Server(channel, process.exit, console.error.bind(console));
  process.on('exit', () => server.ending());
  process.on('beforeExit', () => server.giveUp());
  /* For the module `seuss`. */
  globalThis[Symbol.for('seuss.checkpoint')] = () => server.checkpoint();
  channel.writeLine(JSON.stringify({ op: 'booted', version: process.version, protocol: protocol.VERSION }));
  /* The clocks have jumped: the short timers that Node.js has set for itself ring now, not in each clone. */
  await sleep(1);
  server.start();
}

main();
