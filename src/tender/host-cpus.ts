import { readFileSync } from 'node:fs';

let startedOn: readonly number[] | undefined;

/**
 * Numbers of the CPUs that this process may run on (Cpus_allowed_list, proc(5)). They are read
 * once: a tender later binds the node's thread to one of them, and those that start after it must
 * not all end up there.
 */
export function allowedCpus(): readonly number[] {
  startedOn ??= readAllowedCpus();
  return startedOn;
}

function readAllowedCpus(): number[] {
  const status = readFileSync('/proc/self/status', 'utf8');
  return parseCpuList(/^Cpus_allowed_list:\s*(\S+)/m.exec(status)?.[1] ?? '0');
}

/** `0-2,5` → 0, 1, 2, 5. */
export function parseCpuList(text: string): number[] {
  return text.split(',').flatMap((part) => {
    const [first = 0, last = first] = part.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}
