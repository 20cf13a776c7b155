/** Exit statuses of the command line; `seuss run` passes on that of its program instead. */
export const EXIT = {
  ok: 0,
  /** The function answered with an error. */
  functionError: 1,
  /** The command line, or the code it names, is at fault. */
  usage: 2,
  /** Seuss itself, or this host, is at fault. */
  platform: 3,
  /** Added to the number of a signal that ended the command. */
  signalBase: 128,
} as const;

export const EXIT_HELP = `
Exit status: 0 success, 1 the function failed, 2 wrong usage or unusable code, 3 the platform
failed, 128+N ended by signal N.`;
