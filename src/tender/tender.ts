import { PlatformError } from '../contract/errors.ts';
import {
  CONTROL_CAPTURE_AT_ANSWER,
  CONTROL_CAPTURE_KEEP,
  CONTROL_CAPTURE_LIVE,
  CONTROL_IMAGE_HUGE,
  CONTROL_KILL_MEMORY,
  CONTROL_VERSION,
  Control,
  LINK_MORE,
} from './abi.gen.ts';
import { Connection } from './connection.ts';
import type { ControlSocket } from './control-socket.ts';
import {
  type Captured,
  type Compacted,
  type ControlExit,
  type Demoted,
  decodeCaptured,
  decodeCompacted,
  decodeControlExit,
  decodeDemoted,
  decodeHello,
  decodeInspected,
  decodeMemory,
  decodeStarted,
  decodeStat,
  decodeStored,
  type Hello,
  type Inspected,
  type Started,
  type Stored,
  type UcStat,
} from './replies.ts';
import {
  type BootRequest,
  encodeBoot,
  encodeCapture,
  encodeDeploy,
  encodeDiff,
  encodeImage,
  encodeLoad,
  encodeShare,
  encodeSnapshot,
  encodeStore,
  encodeU32,
  type LoadRequest,
} from './requests.ts';

/** What a UC's owner hears of it. The payload is only valid during the call. */
export interface UcListener {
  /** `more`: the next message of this type carries on the same stream of bytes. */
  onLink(type: number, payload: Buffer, more: boolean): void;
  /** A live capture stopped the UC: what it sent before has come, what comes now it sent afterwards. */
  onCut?(): void;
  /** What it has to itself has changed by a megabyte or more; it had nothing at its start. */
  onMemory?(bytes: number): void;
  /** The last word: the process is gone. */
  onExit(exit: ControlExit): void;
  /** The last word otherwise: the tender is gone, and the UC with it. */
  onLost(error: PlatformError): void;
}

const EMPTY = Buffer.alloc(0);

/** Client of one tender: abi/control.h as methods. */
export class Tender {
  readonly #connection: Connection;
  readonly #listeners = new Map<number, UcListener>();
  #onDeath: ((error: PlatformError) => void) | undefined;
  #hello: Hello | undefined;

  constructor(control: ControlSocket) {
    this.#connection = new Connection(control, this.#onEvent, this.#onEnd);
  }

  get hello(): Hello {
    if (this.#hello === undefined) {
      throw new PlatformError('tender_protocol', 'the tender was not greeted');
    }
    return this.#hello;
  }

  /** Nothing can be asked of it any more. */
  get isGone(): boolean {
    return this.#connection.death !== undefined;
  }

  /** Registers who hears that the tender is gone, at once if it is; one owner only. */
  onDeath(listener: (error: PlatformError) => void): void {
    this.#onDeath = listener;
    if (this.#connection.death !== undefined) {
      listener(this.#connection.death);
    }
  }

  /** The first call on every connection. */
  async greet(): Promise<Hello> {
    const hello = decodeHello(await this.#connection.call(Control.hello, 0, encodeU32(CONTROL_VERSION)));
    if (hello.version !== CONTROL_VERSION) {
      throw new PlatformError(
        'tender_version',
        `the tender speaks version ${hello.version}, not ${CONTROL_VERSION}`,
        {
          remedy: 'run: npm run build',
        },
      );
    }
    this.#hello = hello;
    return hello;
  }

  /** Connects with a new tender of that index, which waits at this path. */
  async join(index: number, path: string): Promise<void> {
    await this.#connection.call(Control.join, 0, encodeImage(index, path));
  }

  /** Of a new one: resolves when so many have joined it. */
  async awaitPeers(count: number): Promise<void> {
    await this.#connection.call(Control.await, 0, encodeU32(count));
  }

  /**
   * Gives a snapshot to the tender of that index. Refused with ENOENT when this one, or that one
   * its parent, has none.
   */
  async share(snapshot: number, index: number): Promise<void> {
    await this.#connection.call(Control.share, 0, encodeShare(snapshot, index));
  }

  async openImage(image: number, path: string, huge = false): Promise<void> {
    await this.#connection.call(Control.image, 0, encodeImage(image, path), huge ? CONTROL_IMAGE_HUGE : 0);
  }

  /** Frees the number of an image. UCs and snapshots that hold the image keep it. */
  async dropImage(image: number): Promise<void> {
    await this.#connection.call(Control.imageDrop, 0, encodeU32(image));
  }

  async boot(uc: number, listener: UcListener, request: BootRequest): Promise<Started> {
    return decodeStarted(await this.#start(Control.boot, uc, listener, encodeBoot(request)));
  }

  /**
   * Resolves when the UC confirmed that it runs.
   * @param trace it tells its system calls, all its life
   */
  async deploy(
    uc: number,
    listener: UcListener,
    snapshot: number,
    memoryLimitBytes: number,
    trace = false,
  ): Promise<Started> {
    return decodeStarted(
      await this.#start(Control.deploy, uc, listener, encodeDeploy(snapshot, memoryLimitBytes, trace)),
    );
  }

  /** Stops the UC at once and captures it; `keep` lets it run on. */
  async capture(uc: number, snapshot: number, keep: boolean): Promise<Captured> {
    const flags = keep ? CONTROL_CAPTURE_KEEP : 0;
    return decodeCaptured(await this.#connection.call(Control.capture, uc, encodeCapture(snapshot, flags)));
  }

  /**
   * Captures a UC, and lets it run on, as soon as it has answered the message that it has, which
   * the caller hears as ever: what it is sent from then on finds it captured. Refused with ESRCH
   * when it ends before.
   */
  async captureAtAnswer(uc: number, snapshot: number): Promise<Captured> {
    const flags = CONTROL_CAPTURE_KEEP | CONTROL_CAPTURE_AT_ANSWER;
    return decodeCaptured(await this.#connection.call(Control.capture, uc, encodeCapture(snapshot, flags)));
  }

  /**
   * Captures a UC that is at work, wherever it is, and lets it run on; its listener is told of the
   * cut. Refused with EBUSY while a message to the UC is on its way, with EAGAIN while it is being
   * deployed.
   */
  async captureLive(uc: number, snapshot: number): Promise<Captured> {
    const flags = CONTROL_CAPTURE_KEEP | CONTROL_CAPTURE_LIVE;
    return decodeCaptured(await this.#connection.call(Control.capture, uc, encodeCapture(snapshot, flags)));
  }

  /** Resolves when the process is gone. Its listener hears of the exit first. */
  async kill(uc: number): Promise<void> {
    await this.#connection.call(Control.kill, uc, EMPTY);
  }

  /** The same; its listener hears that it took too much memory. */
  async killForMemory(uc: number): Promise<void> {
    await this.#connection.call(Control.kill, uc, EMPTY, CONTROL_KILL_MEMORY);
  }

  /**
   * Ends the UC's process and keeps what differs from the snapshot (0: the one it was deployed from).
   * Refused, it lives on as it was.
   */
  async demote(uc: number, snapshot: number): Promise<Demoted> {
    return decodeDemoted(await this.#connection.call(Control.demote, uc, encodeSnapshot(snapshot)));
  }

  /** Gives a demoted UC a process again. Messages that are sent meanwhile reach it afterwards. */
  async promote(uc: number): Promise<Started> {
    return decodeStarted(await this.#connection.call(Control.promote, uc, EMPTY));
  }

  /** Keeps the snapshot as the words that differ from its parent, in every tender of the node. */
  async compact(snapshot: number): Promise<Compacted> {
    return decodeCompacted(await this.#connection.call(Control.compact, 0, encodeSnapshot(snapshot)));
  }

  /**
   * Puts an idle UC back to the snapshot that it was deployed from, as a new UC of it. Refused, it
   * lives on as it was, or is killed, which its listener hears.
   */
  async reset(uc: number): Promise<Started> {
    return decodeStarted(await this.#connection.call(Control.reset, uc, EMPTY));
  }

  async drop(snapshot: number): Promise<void> {
    await this.#connection.call(Control.drop, 0, encodeSnapshot(snapshot));
  }

  /** Writes `path`.plan and, if the snapshot stores pages, `path`.layer; resolves when they are on disk. */
  async store(snapshot: number, path: string): Promise<Stored> {
    return decodeStored(await this.#connection.call(Control.store, 0, encodeStore(snapshot, path)));
  }

  /** Makes every tender know what `store` wrote. */
  async load(request: LoadRequest, path: string): Promise<Captured> {
    return decodeCaptured(await this.#connection.call(Control.load, 0, encodeLoad(request, path)));
  }

  async stat(uc: number): Promise<UcStat> {
    return decodeStat(await this.#connection.call(Control.stat, uc, EMPTY));
  }

  async mount(uc: number, image: number, mountPoint: string): Promise<void> {
    await this.#connection.call(Control.mount, uc, encodeImage(image, mountPoint));
  }

  /** For `decodeMaps`: there may be 65,000 of them. */
  async maps(snapshot: number): Promise<Buffer> {
    return await this.#connection.call(Control.maps, 0, encodeSnapshot(snapshot));
  }

  async inspect(snapshot: number): Promise<Inspected> {
    return decodeInspected(await this.#connection.call(Control.inspect, 0, encodeSnapshot(snapshot)));
  }

  /** Where the memory of two snapshots differs, by address, for `decodeDiff`. */
  async diff(a: number, b: number): Promise<Buffer> {
    return await this.#connection.call(Control.diff, 0, encodeDiff(a, b));
  }

  /**
   * Sends bytes to a UC, in order with the requests. A string goes out as UTF-8.
   * @returns false when the connection is congested: wait for `drained` before sending much more.
   */
  send(uc: number, linkType: number, payload: string | Buffer): boolean {
    return this.#connection.post(Control.send, linkType, uc, payload);
  }

  /** These UCs are idle: one that uses processor time before it is sent something is ended. */
  expectRest(ucs: readonly number[]): void {
    this.#connection.post(Control.idle, 0, 0, Buffer.concat(ucs.map(encodeU32)));
  }

  /** Those who hear of UCs that have not ended. */
  listeners(): Iterable<UcListener> {
    return this.#listeners.values();
  }

  /** What the UC writes to stdout and stderr is of no use until it is sent its next line. */
  mute(uc: number): void {
    this.#connection.post(Control.mute, 0, uc, EMPTY);
  }

  /** Resolves when what was sent has left this process, or the tender is gone. */
  async drained(): Promise<void> {
    await this.#connection.drained();
  }

  /** Ends the connection and every call on it; the tender then kills its UCs. */
  fail(error: PlatformError): void {
    this.#connection.fail(error);
  }

  async #start(type: number, uc: number, listener: UcListener, payload: Buffer): Promise<Buffer> {
    this.#listeners.set(uc, listener);
    try {
      return await this.#connection.call(type, uc, payload);
    } catch (error) {
      this.#listeners.delete(uc);
      throw error;
    }
  }

  readonly #onEnd = (error: PlatformError): void => {
    const listeners = [...this.#listeners.values()];
    this.#listeners.clear();
    for (const listener of listeners) {
      listener.onLost(error);
    }
    this.#onDeath?.(error);
  };

  readonly #onEvent = (type: number, flags: number, uc: number, payload: Buffer): void => {
    switch (type) {
      case Control.link:
        this.#listeners.get(uc)?.onLink(flags & ~LINK_MORE, payload, (flags & LINK_MORE) !== 0);
        return;
      case Control.cut:
        this.#listeners.get(uc)?.onCut?.();
        return;
      case Control.memory:
        this.#listeners.get(uc)?.onMemory?.(decodeMemory(payload));
        return;
      case Control.exit: {
        const listener = this.#listeners.get(uc);
        this.#listeners.delete(uc);
        listener?.onExit(decodeControlExit(payload));
        return;
      }
      default:
        throw new RangeError(`unknown frame type ${type}`);
    }
  };
}
