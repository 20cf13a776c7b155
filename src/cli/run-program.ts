import { constants } from 'node:os';
import type { PlatformError } from '../contract/errors.ts';
import { libosPath, tenderPath } from '../contract/paths.ts';
import { Link } from '../tender/abi.gen.ts';
import { type ControlExit, decodeLinkExit } from '../tender/replies.ts';
import type { BootRoot } from '../tender/requests.ts';
import type { Tender, UcListener } from '../tender/tender.ts';
import { TenderGroup } from '../tender/tender-group.ts';
import { faultOfUcUser } from '../tender/uc-user.ts';
import { type GuestExit, type UcEnd, ucEndOf } from '../uc/uc-end.ts';
import { warn } from './progress.ts';

interface ProgramRequest {
  readonly root: BootRoot;
  /** EROFS image that is the root, when `root` says so. */
  readonly imagePath?: string;
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly memoryBytes: number;
  readonly trace: boolean;
}

const UC_ID = 1;
const IMAGE_ID = 1;
const FORWARDED = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const;
/** So many SIGINTs in a row kill a program that ignores them. */
const PATIENCE = 3;

/** Runs a Linux program in a UC of its own, connected with this process's stdin, stdout and stderr. */
export async function runProgram(request: ProgramRequest): Promise<UcEnd> {
  const host = await TenderGroup.start({ tenderPath, libosPath, cores: 1, bindNode: false, without: [] });
  try {
    const tender = host.tenders[0] as Tender;
    const fault = faultOfUcUser(tender.hello.ucUser);
    if (fault !== undefined) warn(`${fault.message}. ${fault.remedy}`);
    const console = new Console(tender);
    if (request.imagePath !== undefined) await tender.openImage(IMAGE_ID, request.imagePath);
    await tender.boot(UC_ID, console, {
      memoryLimitBytes: request.memoryBytes,
      images: request.imagePath === undefined ? [] : [IMAGE_ID],
      root: request.root,
      trace: request.trace,
      stdinLink: true,
      argv: request.argv,
      env: request.env,
      cwd: request.cwd,
    });
    const disconnect = [connectStdin(tender), forwardSignals(tender), watchStdout(tender, console)];
    try {
      return await console.ended;
    } finally {
      for (const end of disconnect) end();
    }
  } finally {
    await host.close();
  }
}

/** Passes on what the program writes, and remembers how it ended. */
class Console implements UcListener {
  readonly ended: Promise<UcEnd>;
  readonly #end: (end: UcEnd) => void;
  readonly #tender: Tender;
  #guestExit: GuestExit | undefined;
  #panic: string | undefined;
  /** The reader of the program's output went away. */
  brokenPipe = false;

  constructor(tender: Tender) {
    const { promise, resolve } = Promise.withResolvers<UcEnd>();
    this.ended = promise;
    this.#end = resolve;
    this.#tender = tender;
  }

  onLink(type: number, payload: Buffer): void {
    switch (type) {
      case Link.stdout:
        process.stdout.write(Buffer.from(payload));
        return;
      case Link.stderr:
        process.stderr.write(Buffer.from(payload));
        return;
      case Link.trace:
        process.stderr.write(`${payload.toString('utf8').replace(/\n$/, '')}\n`);
        return;
      case Link.exit:
        this.#guestExit = decodeLinkExit(payload);
        return;
      case Link.panic:
        this.#panic = payload.toString('utf8');
        return;
      default:
        this.#tender.kill(UC_ID).catch(() => undefined);
    }
  }

  onExit(exit: ControlExit): void {
    if (this.brokenPipe) this.#end({ type: 'signalled', signal: constants.signals.SIGPIPE });
    else this.#end(ucEndOf(exit, this.#guestExit, this.#panic));
  }

  onLost(error: PlatformError): void {
    this.#end({ type: 'lost', error });
  }
}

function connectStdin(tender: Tender): () => void {
  const { stdin } = process;
  const onData = (chunk: Buffer) => {
    if (tender.send(UC_ID, Link.stdin, chunk)) return;
    stdin.pause();
    tender.drained().then(() => stdin.resume());
  };
  const onEnd = () => {
    tender.send(UC_ID, Link.stdin, '');
  };
  stdin.on('data', onData).once('end', onEnd).once('error', onEnd);
  return () => {
    stdin.off('data', onData).off('end', onEnd).off('error', onEnd).destroy();
  };
}

function forwardSignals(tender: Tender): () => void {
  let interrupts = 0;
  const listener = (signal: NodeJS.Signals) => {
    if (signal === 'SIGINT' && ++interrupts >= PATIENCE) {
      tender.kill(UC_ID).catch(() => undefined);
      return;
    }
    const payload = Buffer.alloc(4);
    payload.writeUInt32LE(constants.signals[signal]);
    tender.send(UC_ID, Link.signal, payload);
  };
  for (const signal of FORWARDED) process.on(signal, listener);
  return () => {
    for (const signal of FORWARDED) process.off(signal, listener);
  };
}

/** A reader that went away ends the program as SIGPIPE would. */
function watchStdout(tender: Tender, console: Console): () => void {
  const listener = () => {
    console.brokenPipe = true;
    tender.kill(UC_ID).catch(() => undefined);
  };
  process.stdout.on('error', listener);
  return () => process.stdout.off('error', listener);
}
