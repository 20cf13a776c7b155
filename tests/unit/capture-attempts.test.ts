import assert from 'node:assert/strict';
import { constants } from 'node:os';
import { describe, it } from 'node:test';
import { PlatformError } from '../../src/contract/errors.ts';
import { CaptureAttempts } from '../../src/node/function/capture-attempts.ts';

const { EAGAIN, E2BIG, EMFILE, ESRCH } = constants.errno;

/** As a request's error reply comes. */
function refused(errno: number): PlatformError {
  const cause = Object.assign(new Error('refused'), { errno });
  return new PlatformError('tender_refused', 'refused', { cause });
}

describe('a capture after a cold start', () => {
  it('is not tried again for a while once the context has stood in its way, longer each time', () => {
    const attempts = new CaptureAttempts();
    assert.ok(attempts.isDue(0));
    attempts.failed(refused(EAGAIN), 1000);
    assert.ok(!attempts.isDue(30_999));
    assert.ok(attempts.isDue(31_000));
    attempts.failed(refused(E2BIG), 31_000);
    assert.ok(!attempts.isDue(90_999));
    assert.ok(attempts.isDue(91_000));
  });

  it('is tried again at once after an end, or a shortage of the host', () => {
    const attempts = new CaptureAttempts();
    attempts.failed(refused(ESRCH), 0);
    attempts.failed(refused(EMFILE), 0);
    attempts.failed(new Error('the tender is gone'), 0);
    assert.ok(attempts.isDue(0));
  });
});
