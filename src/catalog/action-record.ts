import type { Packed } from '../action/pack-code.ts';
import type { ActionExec, Packager } from '../action/packager.ts';
import type { Action } from '../contract/action.ts';
import type { JsonText } from '../json/json-text.ts';
import { type Entity, keyOf } from './catalog.ts';
import type { KeyValue, Parameter } from './fields.ts';
import { type RecordLimits, toActionLimits } from './limits.ts';
import { policyOf } from './policy.ts';

/** An action as it was put. */
export interface ActionFields extends Entity {
  readonly version: string;
  readonly publish: boolean;
  readonly exec: ActionExec;
  readonly parameters: readonly Parameter[];
  readonly annotations: readonly KeyValue[];
  readonly limits: RecordLimits;
}

/** An action as it was put, and what the node runs for it. */
export interface ActionRecord extends ActionFields {
  /** How its code was packed: an update that brings no other code does not do so again. */
  readonly packed: Packed;
  readonly action: Action;
}

/**
 * @param packed of the fields' code
 * @throws CatalogError `bad_annotation`; PlatformError `bad_main`
 */
export function recordOf(fields: ActionFields, packed: Packed, packager: Packager): ActionRecord {
  const action = packager.fromPacked(packed, fields.exec, {
    name: keyOf(fields),
    version: fields.version,
    env: initEnvironment(fields.parameters),
    limits: toActionLimits(fields.limits),
    policy: policyOf(fields.annotations),
  });
  return { ...fields, packed, action };
}

function initEnvironment(parameters: readonly Parameter[]): Record<string, string> {
  return Object.fromEntries(
    parameters.filter(({ init }) => init === true).map(({ key, value }) => [key, toText(value)]),
  );
}

/** A text is its own value, null is empty, and anything else is its JSON. */
function toText({ text }: JsonText): string {
  if (text === 'null') return '';
  return text.startsWith('"') ? (JSON.parse(text) as string) : text;
}
