import { cpus, loadavg, release, totalmem } from 'node:os';

/** What a figure depends on beside the code. */
export interface MachineFacts {
  readonly cpu: string;
  readonly cores: number;
  readonly kernel: string;
  readonly memoryBytes: number;
  /** Load average of the last minute when the benchmark began. */
  readonly load: number;
  readonly hostNode: string;
}

export function machineLine({ cpu, cores, memoryBytes, kernel, load }: MachineFacts): string {
  const gigabytes = (memoryBytes / 1024 ** 3).toFixed(0);
  return `${cpu}, ${cores} cores, ${gigabytes} GB, Linux ${kernel}, load ${load.toFixed(2)}`;
}

export function machineFacts(): MachineFacts {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    kernel: release(),
    memoryBytes: totalmem(),
    load: loadavg()[0] ?? 0,
    hostNode: process.version,
  };
}
