import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { joinParamWords, parseParams, parseSize } from '../../src/cli/options.ts';
import { seuss } from '../support/seuss.ts';

let dir: string;
before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'seuss-cli-'));
});
after(() => rm(dir, { recursive: true }));

describe('help and usage', () => {
  it('has help for each command, with status 0', async () => {
    const commands = [
      'invoke',
      'serve',
      'run',
      'bench start',
      'demo',
      'runtime list',
      'runtime add',
      'doctor',
    ];
    for (const command of ['', ...commands]) {
      const { status, stdout } = await seuss([...command.split(' ').filter(Boolean), '--help']);
      assert.equal(status, 0, command);
      assert.match(stdout, /Usage: seuss/);
    }
  });

  it('answers wrong usage with status 2 and says what is wrong', async () => {
    for (const [args, text] of [
      [['nope'], /unknown command/],
      [['invoke'], /missing required argument/],
      [['invoke', 'x.js', '--repeat', '0'], /whole number/],
      [['invoke', 'x.js', '-p', 'key'], /key and a value/],
      [['invoke', 'x.js', '--params', '{broken'], /not valid JSON/],
      [['serve', '--port', '70000'], /whole number/],
      [['serve', '--memory', 'much'], /size/],
      [['serve', '--key', 'nocolon'], /user:password/],
      [['serve', '--state', 'dirty'], /reuse, reset, fresh/],
      [['invoke', 'x.js', '--state', 'dirty'], /reuse, reset, fresh/],
      [['run', '--root', '/nowhere', '--', 'ls'], /nowhere/],
      [['run', '--', 'no-such-program-here'], /no-such-program-here/],
      [['run', '--mount', 'x', '--', 'ls'], /HOSTDIR:GUESTDIR/],
      [['runtime', 'add', 'cobol:85'], /cobol:85/],
    ] as const) {
      const { status, stderr, stdout } = await seuss([...args]);
      assert.equal(status, 2, `${args.join(' ')}: ${stderr}`);
      assert.match(stderr, text);
      assert.equal(stdout, '');
    }
  });

  it('answers unusable code with status 2 before anything boots', async () => {
    const text = join(dir, 'notes.txt');
    await writeFile(text, 'hello');
    const { status, stderr } = await seuss(['invoke', text]);
    assert.equal(status, 2);
    assert.match(stderr, /notes\.txt/);
    const json = await seuss(['invoke', join(dir, 'nowhere.js'), '--json']);
    assert.equal(json.status, 2);
    assert.equal(JSON.parse(json.stdout).error.code, 'code_not_found');
  });
});

describe('doctor', () => {
  it('has a remedy for all that is not well', async () => {
    const { stdout } = await seuss(['doctor', '--json']);
    const { ok, checks } = JSON.parse(stdout);
    assert.equal(typeof ok, 'boolean');
    assert.ok(checks.length > 10);
    for (const { title, status, found, means, remedy } of checks) {
      assert.ok(title && found && means, title);
      assert.equal(remedy !== undefined, status !== 'ok', title);
    }
  });
});

describe('arguments of functions', () => {
  it('come from -p with JSON where it is JSON, over --params', () => {
    const words = joinParamWords(['invoke', '-p', 'n', '3', 'x.js', '--param', 's', '-v', '--', '-p', 'a']);
    assert.deepEqual(words, ['invoke', '--param=["n","3"]', 'x.js', '--param=["s","-v"]', '--', '-p', 'a']);
    const pairs = ['["n","3"]', '["s","-v"]', '["o","{\\"a\\":1}"]'];
    assert.equal(parseParams('{"n":1,"k":true}', pairs).text, '{"n":3,"k":true,"s":"-v","o":{"a":1}}');
    assert.equal(parseParams(undefined, []).text, '{}');
    assert.equal(parseParams('[1]', []).text, '[1]');
    const digits = joinParamWords(['-p', 'n', '9007199254740993', '-p', 'x', '10.0', '-p', 't', '01']);
    const exact = digits.map((word) => word.slice('--param='.length));
    assert.equal(
      parseParams(' {"y": 1e400}', exact).text,
      '{"y":1e400,"n":9007199254740993,"x":10.0,"t":"01"}',
    );
    assert.throws(() => parseParams('[1]', pairs), /array/);
    assert.throws(() => parseParams('3', []), /object or array/);
    assert.throws(() => parseParams('@/nowhere.json', []), /nowhere/);
  });

  it('come from a file', async () => {
    const path = join(dir, 'params.json');
    await writeFile(path, '{"a":1}');
    assert.equal(parseParams(`@${path}`, []).text, '{"a":1}');
  });
});

describe('sizes', () => {
  it('have units', () => {
    assert.equal(parseSize('512M'), 512 * 2 ** 20);
    assert.equal(parseSize('1.5GiB'), 1.5 * 2 ** 30);
    assert.equal(parseSize('4096'), 4096);
    for (const text of ['', 'M', '4X', '-1', '1 2']) assert.throws(() => parseSize(text));
  });
});
