/** A server whose tenders die: what its clients, its log and who started it see. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { getPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { allowedCpus, parseCpuList } from '../../src/tender/host-cpus.ts';
import { alive, descendants } from '../support/processes.ts';
import { spawnSeuss } from '../support/seuss.ts';
import { tenderProcesses } from '../support/tenders.ts';

/** Where its processes of one kind may run: one list for each. */
function cpusOf(pids: readonly number[]): number[][] {
  return pids.map((pid) => {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return parseCpuList(/^Cpus_allowed_list:\s*(\S+)/m.exec(status)?.[1] ?? '');
  });
}

describe('seuss serve', () => {
  it('lets the threads that collect its garbage make way for contexts', { timeout: 120_000 }, async (t) => {
    const child = spawnSeuss(['serve', '--port', '0', '--cores', '1', '--no-store']);
    t.after(() => child.kill('SIGKILL'));
    assert.ok(child.stdout !== null && child.pid !== undefined);
    await once(child.stdout, 'data');
    const threads = readdirSync(`/proc/${child.pid}/task`)
      .map(Number)
      .filter((id) => readFileSync(`/proc/${child.pid}/task/${id}/comm`, 'utf8') === 'V8Worker\n');
    assert.ok(threads.length > 0);
    assert.deepEqual([...new Set(threads.map((id) => getPriority(id)))], [10]);
    assert.equal(getPriority(child.pid), 0);
  });

  it('has each tender on a core of its own, one that takes the place of another too', {
    skip: allowedCpus().length < 2 && 'there is only one CPU',
    timeout: 120_000,
  }, async (t) => {
    const child = spawnSeuss(['serve', '--port', '0', '--cores', '2', '--no-store']);
    t.after(() => child.kill('SIGKILL'));
    assert.ok(child.stdout !== null && child.pid !== undefined);
    await once(child.stdout, 'data');
    const expected = allowedCpus()
      .slice(0, 2)
      .map((cpu) => [cpu]);
    const places = () => cpusOf(tenderProcesses(child.pid).tenders).sort();
    assert.deepEqual(places(), expected);
    const second = tenderProcesses(child.pid).tenders[1] as number;
    process.kill(second, 'SIGKILL');
    for (;;) {
      const { tenders, zygotes } = tenderProcesses(child.pid);
      if (!tenders.includes(second) && zygotes.length === 2) break;
      await sleep(10);
    }
    assert.deepEqual(places(), expected);
  });

  it('says on /ping that it cannot run anything, and ends with status 3 when that cannot be mended', {
    timeout: 120_000,
  }, async (t) => {
    const dir = mkdtempSync(join(tmpdir(), 'seuss-cli-faults-'));
    const child = spawnSeuss(['serve', '--port', '0', '--cores', '1', '--no-store'], {
      env: { TMPDIR: dir },
    });
    t.after(() => {
      child.kill('SIGKILL');
      rmSync(dir, { recursive: true, force: true });
    });
    assert.ok(child.stdout !== null && child.stderr !== null && child.pid !== undefined);
    const said = text(child.stderr);
    const ended = once(child, 'close');
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    const url = /^Serving at +(\S+)$/m.exec(String(line))?.[1];
    assert.ok(url !== undefined, String(line));
    const ping = () =>
      fetch(`${url}/ping`).then(async (answer) => [answer.status, await answer.text()] as const);
    assert.deepEqual(await ping(), [200, 'pong']);
    // It can be mended.
    process.kill(tenderProcesses(child.pid).tenders[0] as number, 'SIGKILL');
    while ((await ping())[0] !== 503) {
      await sleep(1);
    }
    while ((await ping())[0] !== 200) {
      await sleep(10);
    }
    const family = descendants(child.pid);
    // Now it cannot.
    rmSync(dir, { recursive: true });
    process.kill(tenderProcesses(child.pid).outer[0] as number, 'SIGKILL');
    const [status] = (await ended) as [number];
    assert.equal(status, 3);
    const log = await said;
    assert.match(log, /"level":40.*the tender of core 0 ended/);
    assert.match(
      log,
      /\nseuss: the node cannot be mended, \d attempts in a row have failed: .*\n +See what the host says/,
    );
    assert.deepEqual(family.filter(alive), []);
  });
});
