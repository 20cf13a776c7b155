/** What a run that has parked goes on with, and what stays of it: the same in every driver. */
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import type { JsonObject, JsonValue } from '../../src/json/json-text.ts';
import { ALL, check, specialized } from './arguments.ts';
import { type InEach, itInEach, itLoaded, text } from './languages.ts';

describe('a specialized run', () => {
  const changes: InEach<readonly [string, readonly string[], JsonValue]> = {
    nodejs: [
      text(
        'const late = { value: 5, enumerable: true, writable: true, configurable: true };',
        'function main(p) {',
        '  p.a.push(2); p.new = 1; p.b = "own"; p["7"] = 7; delete p.gone;',
        '  Object.defineProperty(p, "late", late);',
        '  step(Object.hasOwn(p, "gone") + "," + p.gone);',
        '  return { all: p, names: Object.keys(p) }',
        '}',
      ),
      ['false,undefined'],
      {
        all: { 7: 7, z: 0, b: 'own', a: [1, 2], lost: 1, c: 3, new: 1, late: 5 },
        names: ['7', 'z', 'b', 'a', 'lost', 'c', 'new', 'late'],
      },
    ],
    python: [
      text(
        'def main(p):',
        '    p["a"].append(2)',
        '    p["new"] = 1',
        '    p |= {"b": "own"}',
        '    p.update([("more", 1)], most=2)',
        '    del p["gone"]',
        '    assert p.pop("lost") == 1',
        '    step(str(p.get("gone")) + str("lost" in p))',
        '    return {"all": p, "names": list(p)}',
      ),
      ['NoneFalse'],
      {
        all: { z: 0, b: 'own', a: [1, 2], c: 3, new: 1, more: 1, most: 2 },
        names: ['z', 'b', 'a', 'c', 'new', 'more', 'most'],
      },
    ],
  };
  itInEach('keeps what the function changed before', changes, (language, [source, steps, value]) => {
    const fixed = { a: [1], gone: 1, lost: 1 };
    return check(
      language,
      source,
      { fixed, all: { z: 0, b: 2, gone: 1, a: [1], lost: 1, c: 3 } },
      steps,
      value,
    );
  });

  const named = {
    nodejs: text(
      'async function main(p) {',
      '  step(p.a);',
      '  return { own: Object.keys(p), next: p.then, text: p.toString, proto: p.__proto__.x };',
      '}',
    ),
    python: text(
      'def main(p):',
      '    step(str(p["a"]))',
      '    return {"own": list(p), "next": p["then"], "text": p["toString"], "proto": p["__proto__"]["x"]}',
    ),
  };
  itInEach('takes arguments of any name', named, (language, source) => {
    const all = JSON.parse('{"__proto__":{"x":1},"then":1,"toString":2,"constructor":3,"a":4}') as JsonObject;
    const own = ['__proto__', 'then', 'toString', 'constructor', 'a'];
    return check(language, source, { fixed: { a: 4 }, all }, ['4'], { own, next: 1, text: 2, proto: 1 });
  });

  itLoaded(
    'leaves the driver as it was',
    {
      nodejs: text(
        'const { inspect } = require("util");',
        'function main(p) {',
        '  const env = process.env.__OW_X;',
        '  return { keys: Object.keys(p), date: Date.now.name + inspect(Date), env };',
        '}',
      ),
      python: text(
        'import os, random, socket, time',
        'def main(p):',
        '    watched = [n for n in vars(socket.socket) if n.startswith("connect")]',
        '    watched.append(type(p).__name__)',
        '    return {"keys": list(p), "time": str(time.time), "seed": str(random.Random.seed),',
        '        "watched": watched, "env": os.environ.get("__OW_X")}',
      ),
    },
    async (driver) => {
      const { value: first } = await driver.run({ a: 1 }, { __OW_X: '1' });
      await driver.specialize({});
      const { value: resumed } = await driver.resume({ a: 1 }, { __OW_X: '1' });
      // Python watches arguments and sockets in such a run alone.
      assert.deepEqual(
        { ...(resumed as JsonObject), watched: [] },
        { ...(first as JsonObject), watched: [] },
      );
      assert.deepEqual((await driver.run({ a: 1 }, { __OW_X: '1' })).value, first);
    },
    { specialize: true },
  );

  itLoaded(
    'that ends the program does not answer',
    {
      nodejs: 'function main() { process.exit(3) }',
      python: 'import sys\ndef main(p): sys.exit(3)',
    },
    async (driver) => {
      driver.send({ op: 'specialize', id: 1, value: {} });
      assert.equal(await driver.ended(), 3);
    },
    { specialize: true },
  );

  /** Each use that the function makes of what differs from run to run, and what its driver says of it. */
  const observed: InEach<readonly [string, Readonly<Record<string, readonly string[]>>]> = {
    nodejs: [
      text(
        'const { randomBytes, randomUUID } = require("crypto");',
        'const { connect } = require("net");',
        'const refused = (done) => connect(1, "127.0.0.1").on("error", done);',
        'const key = () => crypto.subtle.generateKey({ name: "HMAC", hash: "SHA-256" }, true, ["sign"]);',
        'const uses = {',
        '  nothing() {},',
        '  time() {',
        '    new Date(); Date.now(); new Date(0); performance.now();',
        '    process.hrtime.bigint(); process.hrtime();',
        '  },',
        '  math() { Math.random(); },',
        '  async crypto() {',
        '    randomBytes(4); randomUUID(); crypto.getRandomValues(new Uint8Array(1)); await key();',
        '  },',
        '  net: () => new Promise(refused),',
        '};',
        'async function main({ use }) {',
        '  await uses[use]();',
        '  return { same: Date === new Date().constructor && new Date() instanceof Date };',
        '}',
      ),
      {
        nothing: ['time: Date'],
        math: ['time: Date', 'random: Math.random'],
        time: ['time: Date', 'time: Date.now', 'time: performance.now', 'time: process.hrtime'],
        crypto: [
          'random: crypto.randomBytes',
          'random: crypto.randomUUID',
          'random: crypto.getRandomValues',
          'random: crypto.subtle.generateKey',
          'time: Date',
        ],
        net: ['network: net', 'time: Date'],
      },
    ],
    python: [
      text(
        'import asyncio, random, secrets, socket, ssl, tempfile, time, urllib.request, uuid',
        'from os import urandom',
        'def main(p):',
        '    use = p["use"]',
        '    if use == "time": time.time(); time.localtime(); time.perf_counter()',
        '    if use == "random": random.random()',
        '    if use == "urandom": urandom(4); uuid.uuid4()',
        '    if use == "generator": random.Random()',
        '    if use == "secrets": secrets.token_hex()',
        '    if use == "ssl": ssl.RAND_bytes(4)',
        '    if use == "proxies":',
        '        urllib.request.getproxies()',
        '        use = p["use"]',
        '    if use == "seeded": random.Random(7).random()',
        '    if use == "temporary": tempfile.mkdtemp()',
        '    if use == "loop": asyncio.run(asyncio.sleep(0))',
        '    if use == "net": socket.socket().connect_ex(("127.0.0.1", 1))',
        '    names = time.time.__class__.__name__, socket.socket.connect.__class__.__name__',
        '    return {"same": len(names) == 2}',
      ),
      {
        nothing: [],
        time: ['time: time.localtime', 'time: time.perf_counter', 'time: time.time'],
        random: ['random: random'],
        urandom: ['random: os.urandom'],
        generator: ['random: random.Random'],
        secrets: ['random: os.urandom'],
        ssl: ['random: ssl.RAND_bytes'],
        net: ['network: socket'],
        seeded: [],
        temporary: [],
        loop: [],
        proxies: [],
      },
    ],
  };
  itInEach('says what it used that is new in each run', observed, async (language, [source, uses]) => {
    for (const [use, expected] of Object.entries(uses)) {
      const { parked, answer } = await specialized(language, source, { fixed: { use }, all: { use } });
      assert.deepEqual(answer.value, { same: true }, use);
      assert.deepEqual(parked.observed, expected, use);
    }
  });
});

describe('checkpoint() in a driver', () => {
  const sources = {
    nodejs: text(
      'const { checkpoint } = require("seuss");',
      'const early = [checkpoint() ?? null, checkpoint(7)];',
      'async function helper() { await null; return checkpoint() }',
      'let runs = 0;',
      'exports.main = async (params) => {',
      '  runs++;',
      '  const { x } = params;',
      '  const rows = [];',
      '  for (let i = 0; i < 3; i++) rows.push((await helper()).x);',
      '  return { early, runs, before: x, rows, same: params.x, again: checkpoint(params) === params,',
      '    env: process.env.__OW_X, size: Object.keys(params).length };',
      '}',
    ),
    python: text(
      'import os, seuss',
      'early = [seuss.checkpoint(), seuss.checkpoint(7)]',
      'runs = 0',
      'def helper(): return seuss.checkpoint()',
      'def main(params):',
      '    global runs',
      '    runs += 1',
      '    x = params["x"]',
      '    rows = [helper()["x"] for _ in range(3)]',
      '    return {"early": early, "runs": runs, "before": x, "rows": rows, "same": params["x"],',
      '        "again": seuss.checkpoint(params) is params, "env": os.environ.get("__OW_X"),',
      '        "size": len(params)}',
    ),
  };
  const nothing = { nodejs: 'exports.main = () => ({})', python: 'def main(p): return {}' };
  const none = {
    nodejs: 'exports.main = ({ x }) => ({ x, now: typeof Date.now() })',
    python: 'import time\ndef main(p): return {"x": p["x"], "now": "number" if time.time() else ""}',
  };

  itLoaded('parks the first time in a run that asks for it', sources, async (driver) => {
    driver.send({ op: 'run', id: 1, value: { x: 1, y: 1 }, env: { __OW_X: '1' }, checkpoint: true });
    assert.deepEqual(await driver.receive(), { op: 'parked', id: 1, observed: [] });
    const answer = await driver.resume({ x: 2 }, { __OW_X: '2' });
    assert.deepEqual(answer.value, {
      early: [null, 7],
      runs: 1,
      before: 1,
      rows: [2, 2, 2],
      same: 2,
      again: true,
      env: '2',
      size: 1,
    });
    assert.equal(answer.checkpoint, undefined);
  });

  itLoaded('returns at once in one that does not, which says so', sources, async (driver, language) => {
    const answer = await driver.run({ x: 1 });
    assert.deepEqual([answer.checkpoint, (answer.value as JsonObject).rows], [true, [1, 1, 1]]);
    await driver.load(nothing[language.name], { filename: language.filename });
    assert.equal((await driver.run({ x: 1 })).checkpoint, undefined);
  });

  itLoaded('may not come at all', none, async (driver) => {
    driver.send({ op: 'run', id: 1, value: { x: 1 }, env: {}, checkpoint: true });
    const value = { x: 1, now: 'number' };
    assert.deepEqual(await driver.receive(), { op: 'result', id: 1, status: 'ok', value });
  });

  itLoaded(
    'brings its arguments where those of main cannot be changed',
    {
      nodejs: text(
        'const { checkpoint } = require("seuss");',
        'exports.main = (p) => {',
        '  Object.freeze(p);',
        '  const { x } = checkpoint();',
        '  return { x, again: checkpoint().x, old: p.x };',
        '}',
      ),
      python: { skip: 'a dictionary can always be changed' },
    },
    async (driver) => {
      driver.send({ op: 'run', id: 1, value: { x: 1 }, env: {}, checkpoint: true });
      assert.equal((await driver.receive()).op, 'parked');
      assert.deepEqual((await driver.resume({ x: 2 })).value, { x: 2, again: 2, old: 1 });
    },
  );

  const specialized = {
    nodejs: text(
      'const { checkpoint } = require("seuss");',
      'function main(p) {',
      '  step("x");',
      '  const q = checkpoint();',
      '  step("late");',
      '  return { a: q.a, b: q.b, same: q === p };',
      '}',
    ),
    python: text(
      'import seuss',
      'def main(p):',
      '    step("x")',
      '    q = seuss.checkpoint()',
      '    step("late")',
      '    return {"a": q["a"], "b": q["b"], "same": q is p}',
    ),
  };
  itInEach('parks a specialized run', specialized, (language, source) =>
    check(language, source, { fixed: { a: 1 }, all: ALL }, ['x'], { a: 1, b: 2, same: true }),
  );
});
