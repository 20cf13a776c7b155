import { packedOf } from '../../action/pack-code.ts';
import type { ActionCatalog } from '../../catalog/action-catalog.ts';
import type { ActionRecord } from '../../catalog/action-record.ts';
import { standardLimits } from '../../catalog/limits.ts';
import { policyAnnotation } from '../../catalog/policy.ts';
import type { Action } from '../../contract/action.ts';
import { mergeAnnotations, withExec } from './annotations.ts';

/** Takes in an action that was packaged from this host's disk; of an image there is no code to hand out. */
export function adoptAction(actions: ActionCatalog, action: Action): ActionRecord {
  const { kind, main, code, policy } = action;
  const [namespace, name] = action.name.split('/') as [string, string];
  const annotations = mergeAnnotations([], { annotations: policyAnnotation(policy) });
  const record: ActionRecord = {
    namespace,
    name,
    version: action.version,
    publish: false,
    exec: { kind, main, binary: code.type === 'image', code: code.type === 'source' ? code.source : '' },
    parameters: [],
    annotations: withExec(annotations, kind),
    limits: standardLimits(),
    updated: Date.now(),
    packed: packedOf(action),
    action,
  };
  actions.add(record);
  return record;
}
