export interface Job {
  readonly target: string;
  readonly seconds: number;
  readonly seed: number;
  /** These inputs alone. */
  readonly inputs: readonly Uint8Array[];
  /** Two numbers, of inputs begun and of bytes of the current one, and its bytes. */
  readonly shared: SharedArrayBuffer;
}

/** Of the bytes in `shared`, those before the input. */
export const HEAD_BYTES = 8;
