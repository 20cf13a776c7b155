import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PlatformError } from '../../src/contract/errors.ts';
import type { Core } from '../../src/cores/cores.ts';
import { Auditor } from '../../src/node/background/auditor.ts';
import { FunctionUc } from '../../src/node/function/function-record.ts';
import { IdlePool } from '../../src/node/idle/idle-pool.ts';
import { Dispatcher } from '../../src/node/invoke/dispatcher.ts';
import { Places } from '../../src/node/invoke/place.ts';
import { idleCores, OWNER, record } from '../support/node-parts.ts';

function parts() {
  const cores = idleCores(2);
  const core = cores[0] as Core;
  const idle = new IdlePool();
  const dispatcher = new Dispatcher(cores, idle);
  const disposed: FunctionUc[] = [];
  const reports: string[] = [];
  const resetting = new Set<FunctionUc>();
  const ending = new Map<FunctionUc, unknown>();
  const living = new Set<FunctionUc>();
  for (const { tender } of cores) {
    tender.listeners = () => [...living].filter((uc) => uc.tender === tender);
  }
  const places = new Places({
    dispatcher,
    account: { settle: () => undefined },
    release: (uc) => dispatcher.release(uc),
    dispose: (uc) => void disposed.push(uc),
  });
  const auditor = new Auditor({
    cores,
    places,
    resetting,
    ending,
    booting: () => 0,
    dispose: (uc) => void disposed.push(uc),
    onMended: () => dispatcher.reconsider(),
    report: (message) => void reports.push(message),
  });
  const f = record('f');
  const uc = (): FunctionUc => {
    const made = new FunctionUc(living.size + 1, core, OWNER, f);
    living.add(made);
    return made;
  };
  return { core, dispatcher, disposed, reports, resetting, ending, places, auditor, uc, f, idle };
}

const lost = new PlatformError('tender_died', 'gone');

describe('a place on a core', () => {
  it('goes back once, with its start, and its UC becomes idle or ends', () => {
    const { core, dispatcher, places, disposed, uc, idle } = parts();
    const place = places.starting(dispatcher.startAtOnce());
    place.uc = uc();
    assert.deepEqual([core.starting, core.active], [1, 1]);
    place.giveBack();
    place.giveBack();
    assert.deepEqual([core.starting, core.active, disposed.length], [0, 0, 1]);

    const other = places.starting(dispatcher.startAtOnce());
    other.uc = uc();
    other.started();
    other.started();
    other.keep();
    other.giveBack();
    assert.deepEqual([core.starting, core.active, idle.count], [0, 0, 1]);
  });

  it('goes back although its UC cannot be ended or has ended', () => {
    const { core, places, uc } = parts();
    const broken = new Places({
      ...places.owner,
      dispose: () => {
        throw lost;
      },
    });
    const place = broken.take(core);
    place.uc = uc();
    assert.throws(() => place.giveBack(), lost);
    assert.equal(core.active, 0);

    const ended = places.take(core);
    ended.uc = uc();
    ended.keep();
    ended.uc.fail(lost);
    ended.giveBack();
    assert.equal(core.active, 0);
  });
});

describe('the auditor', () => {
  it('finds nothing while all is accounted for', () => {
    const { core, dispatcher, places, resetting, ending, auditor, reports, uc, idle } = parts();
    places.starting(dispatcher.startAtOnce()).uc = uc();
    places.take(core).uc = uc();
    const reset = uc();
    core.active += 1;
    resetting.add(reset);
    const killed = uc();
    core.ending += 1;
    ending.set(killed, undefined);
    idle.put(uc());
    for (let i = 0; i < 4; i++) auditor.look();
    assert.deepEqual([reports, auditor.leaks], [[], 0]);
  });

  it('puts counts right that stay wrong, and lets who waits begin', async () => {
    const { core, auditor, reports, dispatcher, f } = parts();
    const other = dispatcher.startAtOnce();
    dispatcher.startDone(other);
    dispatcher.lost(other);
    core.starting = 2;
    core.active = 1024;
    core.ending = 3;
    auditor.look();
    assert.deepEqual([core.starting, core.active, core.ending, auditor.leaks], [2, 1024, 3, 0]);
    auditor.look();
    assert.deepEqual([core.starting, core.active, core.ending, auditor.leaks], [0, 0, 0, 3]);
    assert.equal(reports.length, 3);
    assert.match(reports[0] ?? '', /core 0 counted 1024 contexts as active, there are 0/);
    assert.equal((await dispatcher.acquire(f)).path, 'cold');
  });

  it('leaves alone what is under way: another difference each time', () => {
    const { core, auditor, reports } = parts();
    for (const active of [1, 2, 1, 3]) {
      core.active = active;
      auditor.look();
    }
    assert.deepEqual([core.active, reports], [3, []]);
  });

  it('ends a context that belongs to nobody, and takes back the place of one that has ended', () => {
    const { core, auditor, reports, disposed, uc, places } = parts();
    const nobodys = uc();
    const place = places.take(core);
    place.uc = uc();
    place.uc.fail(lost);
    auditor.look();
    assert.deepEqual([disposed, core.active], [[], 1]);
    auditor.look();
    assert.ok(disposed.includes(nobodys));
    assert.equal(core.active, 0);
    assert.match(reports.join('\n'), /f that had ended was not given back/);
    assert.match(reports.join('\n'), /belonged to nobody, and was ended/);
    assert.equal(auditor.leaks, 2);
  });
});
