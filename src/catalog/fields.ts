import { z } from 'zod';
import { JsonText } from '../json/json-text.ts';

/** OpenWhisk's rule for names of actions, triggers, rules and packages. */
export const entityName = z
  .string()
  .max(256)
  .regex(/^(\w|\w[\w@ .-]*[\w@.-]+)$/, 'is no valid name');

/** Of an entity: three numbers. */
export const entityVersion = z.string().regex(/^\d+\.\d+\.\d+$/);

/** A user's value is kept as it was sent. */
export const userValue = z.custom<JsonText>((value) => value instanceof JsonText, 'is missing');

export const keyValues = z.array(z.object({ key: z.string().min(1), value: userValue }));

/** A default parameter; with `init` it is part of the environment that the code is loaded in. */
export const parameters = z.array(
  z.object({ key: z.string().min(1), value: userValue, init: z.boolean().optional() }),
);

export type KeyValue = z.infer<typeof keyValues>[number];
export type Parameter = z.infer<typeof parameters>[number];

/**
 * What a schema found, each fault named by its place.
 * @param whole names what was looked at, for faults of all of it
 */
export function faultsIn({ issues }: z.ZodError, whole: string): string {
  return issues.map(({ path, message }) => `${path.join('.') || whole}: ${message}`).join('; ');
}
