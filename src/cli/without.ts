import { type ComputeNodeOptions, OPTIMISATIONS, type Optimisation } from '../contract/options.ts';

/** Stand for all anticipation. */
const ALL_ANTICIPATION = ['anticipation', 'ao'];

const isOptimisation = (name: string): name is Optimisation =>
  (OPTIMISATIONS as readonly string[]).includes(name);

/**
 * What `--without http,templates` means to a node: items of anticipation and other optimisations.
 */
export function parseWithout(text: string): Pick<ComputeNodeOptions, 'anticipate' | 'without'> {
  const names = text.split(',');
  const except = names.filter((name) => !isOptimisation(name) && !ALL_ANTICIPATION.includes(name));
  return {
    anticipate: names.some((name) => ALL_ANTICIPATION.includes(name)) ? false : { except },
    without: names.filter(isOptimisation),
  };
}
