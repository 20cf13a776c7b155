/** What is fuzzed: code that takes bytes of those who are not trusted. */
export interface Target {
  readonly name: string;
  /** Inputs to begin with. */
  seeds(): Buffer[] | Promise<Buffer[]>;
  /**
   * Throws when something is wrong with what the code made of the input; errors that it may throw
   * are caught here.
   */
  one(input: Buffer): void | Promise<void>;
  close?(): void | Promise<void>;
}

/** Runs `work`; an error that `expected` does not know goes on. Undefined after one that it does. */
export function allowing<T>(expected: (error: unknown) => boolean, work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (expected(error)) return undefined;
    throw error;
  }
}

export async function allowingLater<T>(
  expected: (error: unknown) => boolean,
  work: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (expected(error)) return undefined;
    throw error;
  }
}
