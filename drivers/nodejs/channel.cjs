'use strict';
/* The driver's end of /dev/seuss: JSON texts, one per line. docs/reference/driver-protocol.md */

const fs = require('node:fs');

const BUFFER_BYTES = 64 * 1024;
/* 48 MiB of code, escaped in JSON at worst sixfold, never comes near it. */
const MESSAGE_MAX_BYTES = 512 * 1024 * 1024;
const NEWLINE = 10;
const NOTHING = Buffer.alloc(0);

/* User code may replace any of these later. */
const { apply } = Reflect;
const { readSync, writeSync } = fs;
const { byteLength } = Buffer;

/**
 * Opens the device.
 * @param {string | undefined} device a path, or the number of an open descriptor (tests).
 */
function openDevice(device = '/dev/seuss') {
  return /^\d+$/.test(device) ? Number(device) : fs.openSync(device, 'r+');
}

class Channel {
  #in;
  #out;
  #read;
  #small = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  #buffer = this.#small;
  #start = 0;
  #end = 0;

  /**
   * Descriptors of the two directions; the device serves both.
   * @param {typeof readSync} read one that has messages of its own, for anticipation
   */
  constructor(inFd, outFd = inFd, read = readSync) {
    this.#in = inFd;
    this.#out = outFd;
    this.#read = read;
  }

  /** Waits for a line. Undefined at end of file, which the device never has. */
  readLine() {
    let scanned = this.#start;
    for (;;) {
      const newline = this.#end > scanned ? this.#buffer.indexOf(NEWLINE, scanned) : -1;
      if (newline >= 0 && newline < this.#end) return this.#take(newline);
      scanned = this.#end;
      if (this.#end === this.#buffer.length) {
        scanned -= this.#start;
        this.#makeRoom();
      }
      /* Called so, it is no part of this function's optimised code, and may be another one. */
      const room = this.#buffer.length - this.#end;
      const got = apply(this.#read, undefined, [this.#in, this.#buffer, this.#end, room, null]);
      if (got === 0) return undefined;
      this.#end += got;
    }
  }

  /** Writes one line, whole. */
  writeLine(line) {
    const text = `${line}\n`;
    const bytes = byteLength(text);
    let done = writeSync(this.#out, text);
    if (done === bytes) return;
    for (const rest = Buffer.from(text); done < bytes; ) {
      done += writeSync(this.#out, rest, done, bytes - done);
    }
  }

  /** Lets all other threads run until they wait for something. */
  letOthersRun() {
    writeSync(this.#out, NOTHING, 0, 0);
  }

  #take(newline) {
    const line = this.#buffer.utf8Slice(this.#start, newline);
    this.#start = newline + 1;
    if (this.#start === this.#end) {
      this.#start = this.#end = 0;
      this.#buffer = this.#small;
    }
    return line;
  }

  #makeRoom() {
    const pending = this.#end - this.#start;
    if (pending >= MESSAGE_MAX_BYTES) throw new RangeError('a message exceeds 512 MiB');
    const old = this.#buffer;
    if (this.#start === 0) this.#buffer = Buffer.allocUnsafeSlow(old.length * 2);
    old.copy(this.#buffer, 0, this.#start, this.#end);
    this.#start = 0;
    this.#end = pending;
  }
}

module.exports = { Channel, openDevice };
