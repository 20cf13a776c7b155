import { type ComputeNodeOptions, OPTIMISATIONS, type Optimisation } from '../contract/options.ts';

/** Stands for all anticipatory optimisation. */
const ALL_ANTICIPATION = 'ao';

const isOptimisation = (name: string): name is Optimisation =>
  (OPTIMISATIONS as readonly string[]).includes(name);

/**
 * What `--without http,templates` means to a node: items of anticipatory optimisation and other
 * optimisations.
 */
export function parseWithout(text: string): Pick<ComputeNodeOptions, 'anticipate' | 'without'> {
  const names = text.split(',');
  const except = names.filter((name) => !isOptimisation(name) && name !== ALL_ANTICIPATION);
  return {
    anticipate: names.includes(ALL_ANTICIPATION) ? false : { except },
    without: names.filter(isOptimisation),
  };
}
