/** A server whose tenders die: what its clients, its log and who started it see. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { spawnSeuss } from './lib/seuss.ts';
import { alive, descendants } from './support/processes.ts';
import { tenderProcesses } from './support/tenders.ts';

describe('seuss serve', () => {
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
