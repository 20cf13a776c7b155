import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Packager } from '../../src/action/packager.ts';
import { adoptAction } from '../../src/api/openwhisk/adopt-action.ts';
import { putAction } from '../../src/api/openwhisk/put-action.ts';
import type { ActionPut } from '../../src/api/schemas.ts';
import { ActionCatalog } from '../../src/catalog/action-catalog.ts';
import { type ActionPolicy, DEFAULT_POLICY } from '../../src/contract/action.ts';
import { JsonText, type JsonValue } from '../../src/json/json-text.ts';
import { argumentsText } from '../../src/node/function/arguments.ts';
import { resolveKind } from '../../src/runtime/kinds.ts';

const exec = { kind: 'nodejs:default', code: 'exports.main = () => ({})' };

let codeDir: string;

before(async () => {
  codeDir = await mkdtemp(join(tmpdir(), 'seuss-policy-'));
});
after(() => rm(codeDir, { recursive: true }));

interface Actions {
  readonly packager: Packager;
  readonly actions: ActionCatalog;
}

function emptyCatalog(startsFrom?: ActionPolicy['startsFrom']): Actions {
  const packager = new Packager({
    codeDir,
    resolveKind: (kind) => resolveKind(kind).name,
    ...(startsFrom !== undefined && { startsFrom }),
  });
  return { packager, actions: new ActionCatalog(packager) };
}

async function put(actions: Actions, content: Partial<ActionPut>) {
  const target = { namespace: 'guest', name: 'f', overwrite: true };
  return (await putAction(actions, target, { exec, ...content })).record;
}

function annotated(value: unknown): Partial<ActionPut> {
  return { annotations: [{ key: 'seuss', value: JsonText.of(value as JsonValue) }] };
}

describe('the annotation seuss', () => {
  it('becomes the policy of the action', async () => {
    const actions = emptyCatalog();
    assert.deepEqual((await put(actions, {})).action.policy, DEFAULT_POLICY);
    const value = { state: 'reset', specialize: [{ model: 'a' }, { model: 'b', deep: { n: [1] } }] };
    const { startsFrom, specialize } = (await put(actions, annotated(value))).action.policy;
    const fixed = specialize.map((each) => argumentsText(each).value());
    assert.deepEqual({ state: startsFrom, specialize: fixed }, value);
    assert.deepEqual((await put(actions, annotated({}))).action.policy, DEFAULT_POLICY);
  });

  it('stays until it is replaced or deleted, and makes another function of the action', async () => {
    const actions = emptyCatalog();
    const plain = await put(actions, {});
    const fresh = await put(actions, annotated({ state: 'fresh' }));
    assert.notEqual(fresh.action.digest, plain.action.digest);
    const kept = await put(actions, { limits: { timeout: 5000 } });
    assert.equal(kept.action.policy.startsFrom, 'fresh');
    assert.equal(kept.action.digest, fresh.action.digest);
    const gone = await put(actions, { delAnnotations: ['seuss'] });
    assert.deepEqual(gone.action.policy, DEFAULT_POLICY);
    assert.equal(gone.action.digest, plain.action.digest);
  });

  it('may ask for a warmup', async () => {
    const actions = emptyCatalog();
    const { action } = await put(actions, annotated({ state: 'reset', warmup: { args: { n: 1 } } }));
    assert.deepEqual(action.policy.warmup, { args: JsonText.of({ n: 1 }), runs: 50 });
    const adopted = adoptAction(emptyCatalog().actions, action);
    const shown = adopted.annotations.find(({ key }) => key === 'seuss');
    assert.deepEqual(shown?.value.value(), {
      state: 'reset',
      specialize: [],
      warmup: { args: { n: 1 }, runs: 50 },
    });
    await assert.rejects(
      put(actions, annotated({ warmup: { runs: 0 } })),
      /annotations\.seuss\.warmup\.runs/,
    );
  });

  it('goes before the default of the server', async () => {
    const actions = emptyCatalog('fresh');
    assert.equal((await put(actions, {})).action.policy.startsFrom, 'fresh');
    assert.equal(
      (await put(actions, annotated({ specialize: [{ a: 1 }] }))).action.policy.startsFrom,
      'fresh',
    );
    assert.equal((await put(actions, annotated({ state: 'reuse' }))).action.policy.startsFrom, 'reuse');
  });

  it('is shown for an action from this disk', async () => {
    const { action } = await put(emptyCatalog(), annotated({ state: 'reset' }));
    const adopted = adoptAction(emptyCatalog().actions, action);
    const shown = adopted.annotations.find(({ key }) => key === 'seuss');
    assert.deepEqual(shown?.value.value(), { state: 'reset', specialize: [] });
  });

  it('is refused with its fault named', async () => {
    const cases: [unknown, RegExp][] = [
      ['reset', /annotations\.seuss: .*object/],
      [null, /annotations\.seuss: .*object/],
      [{ state: 'pristine' }, /annotations\.seuss\.state: .*reuse.*reset.*fresh/],
      [{ state: 1 }, /annotations\.seuss\.state/],
      [{ mode: 'reset' }, /annotations\.seuss: .*mode/],
      [{ specialize: { a: 1 } }, /annotations\.seuss\.specialize: .*array/],
      [{ specialize: ['a'] }, /annotations\.seuss\.specialize\.0/],
      [{ specialize: [{ a: 1 }, {}] }, /annotations\.seuss\.specialize\.1: fixes no argument/],
      [
        {
          specialize: [
            { a: 1, b: { c: 2, d: 3 } },
            { b: { d: 3, c: 2 }, a: 1 },
          ],
        },
        /annotations\.seuss\.specialize\.1: fixes what another one fixes/,
      ],
      [{ specialize: Array.from({ length: 33 }, (_, n) => ({ n })) }, /annotations\.seuss\.specialize/],
    ];
    for (const [value, text] of cases) {
      await assert.rejects(put(emptyCatalog(), annotated(value)), {
        code: 'bad_annotation',
        message: text,
      });
    }
  });
});
