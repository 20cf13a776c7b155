import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** A connection to an HTTP server, on which a test writes what it wants. */
export class RawHttp {
  readonly socket: Socket;
  /** All that the server has said. */
  said = '';
  /** Resolves when the connection is gone, however it ended. */
  readonly closed: Promise<void>;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding('latin1').on('data', (text: string) => {
      this.said += text;
    });
    socket.on('error', () => undefined);
    this.closed = new Promise((resolve) => socket.once('close', () => resolve()));
  }

  static async open(port: number): Promise<RawHttp> {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    return new RawHttp(socket);
  }

  /** Lines of a request's head, and what follows it. */
  send(lines: readonly string[], body = ''): void {
    this.socket.write(`${[...lines, 'Host: test', '', ''].join('\r\n')}${body}`);
  }

  /** Resolves when the server has said it. */
  async says(pattern: RegExp): Promise<string> {
    while (!pattern.test(this.said)) {
      if (this.socket.destroyed) throw new Error(`${pattern} was not said, but: ${this.said}`);
      await Promise.race([once(this.socket, 'data'), this.closed]);
    }
    return this.said;
  }

  /** Statuses of the answers so far, in order. */
  get statuses(): number[] {
    return [...this.said.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => Number(status));
  }

  close(): void {
    this.socket.destroy();
  }
}
