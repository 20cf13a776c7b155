import { setTimeout as pause } from 'node:timers/promises';
import { PlatformError } from '../../contract/errors.ts';
import { type MachineFacts, machineFacts } from '../machine.ts';
import { type Summary, summarize } from '../statistics.ts';
import type { Assault } from './assault.ts';
import type { Attack } from './attack.ts';
import { AttackerThread } from './attacker-thread.ts';
import { ATTACKS } from './catalogue.ts';
import { type Beside, Honest } from './honest.ts';
import { HttpClient } from './http-client.ts';
import { peakDuring } from './peak.ts';
import { Server } from './server.ts';
import { becomesQuiet, heldInTheEnd } from './settle.ts';

interface HostileOptions {
  /** Names of attacks; all by default. */
  readonly only?: readonly string[];
  /** Times that the clients are alone and then beside the attack. */
  readonly rounds: number;
  /** Of each of the two. */
  readonly seconds: number;
  readonly onProgress: (message: string) => void;
  /** Rejects when the user ends the bench. */
  readonly interrupted: Promise<never>;
}

export interface HostileResult {
  readonly attack: string;
  readonly promise: string;
  readonly barMs: number;
  /** Milliseconds that honest clients waited for answers. */
  readonly alone: Summary;
  readonly beside: Summary;
  /** Answers to honest clients that were wrong or did not come. */
  readonly lost: number;
  readonly goes: number;
  /** The most that the node and its contexts held beyond what they held before. */
  readonly peakBytes: number;
  /** What they held beyond it in the end, when the attacker had deleted its actions. */
  readonly leftBytes: number;
  /** What was not as it must be; nothing when the attack was withstood. */
  readonly faults: readonly string[];
}

export interface HostileReport {
  readonly machine: MachineFacts;
  readonly rounds: number;
  readonly seconds: number;
  readonly results: readonly HostileResult[];
}

/** Memory that may be left when the attacker has gone. */
const LEFT_BYTES_MAX = 20 * 1024 * 1024;
/** Threads that nobody needs any more keep their memory for a while. */
const SETTLE_MS = 45_000;
const COLLECT_MS = 4000;
const QUIET_MS = 15_000;
const MIB = 1024 * 1024;

/** Honest clients alone, and beside each attack, in turn. */
export async function runHostileBench(options: HostileOptions): Promise<HostileReport> {
  const machine = machineFacts();
  const results: HostileResult[] = [];
  for (const attack of chosen(options.only)) {
    options.onProgress(`${attack.name}: ${attack.promise}`);
    const result = await withstand(attack, options);
    for (const fault of result.faults) options.onProgress(`  ${fault}`);
    results.push(result);
  }
  return { machine, rounds: options.rounds, seconds: options.seconds, results };
}

/** @throws PlatformError `unknown_attack` */
export function chosen(only: readonly string[] | undefined): readonly Attack[] {
  if (only === undefined) return ATTACKS;
  return only.map((name) => {
    const attack = ATTACKS.find((each) => each.name === name);
    if (attack !== undefined) return attack;
    throw new PlatformError('unknown_attack', `There is no attack ${JSON.stringify(name)}.`, {
      remedy: `Choose of: ${ATTACKS.map((each) => each.name).join(', ')}`,
    });
  });
}

/** A node of its own for each attack, so that one does not answer for another. */
async function withstand(attack: Attack, options: HostileOptions): Promise<HostileResult> {
  const server = await Server.start(attack.nodeMemory === undefined ? {} : { memory: attack.nodeMemory });
  let honest: Honest | undefined;
  try {
    honest = await Honest.start(server);
    return await Promise.race([against(attack, server, honest, options), options.interrupted]);
  } finally {
    await honest?.stop();
    await server.stop();
  }
}

async function against(
  attack: Attack,
  server: Server,
  honest: Honest,
  options: HostileOptions,
): Promise<HostileResult> {
  const before = await heldWithoutHonest(server, honest, 0, COLLECT_MS);
  await honest.arrive();
  const attacker = new AttackerThread(server, attack);
  const { rounds, quiet } = await assaults(attacker, honest, server, options);
  const after = await aftermath(server, honest, before, quiet);
  return judge(attack, before, rounds, after);
}

/**
 * And whether all is quiet while its functions are there: what goes on by itself is not ended by
 * their deletion.
 */
async function assaults(
  attacker: AttackerThread,
  honest: Honest,
  server: Server,
  options: HostileOptions,
): Promise<{ readonly rounds: Rounds; readonly quiet: boolean }> {
  try {
    const rounds = await allRounds(attacker, honest, server, options);
    const quiet = await becomesQuiet(server.pid, QUIET_MS);
    await attacker.leave();
    return { rounds, quiet };
  } finally {
    await attacker.stop();
  }
}

interface Rounds {
  readonly alone: Beside[];
  readonly beside: Beside[];
  readonly assaults: Assault[];
  readonly peaks: number[];
  /** The attacker's function could not be made, for example. */
  readonly unprepared: string | undefined;
}

async function allRounds(
  attacker: AttackerThread,
  honest: Honest,
  server: Server,
  { rounds, seconds }: HostileOptions,
): Promise<Rounds> {
  const all: Omit<Rounds, 'unprepared'> = { alone: [], beside: [], assaults: [], peaks: [] };
  const unprepared = await attacker.prepare().then(() => undefined, String);
  const forMs = seconds * 1000;
  let goes = 0;
  for (let round = 0; round < rounds; round++) {
    all.alone.push((await honest.beside(() => pause(forMs))).beside);
    const { beside, done } = await honest.beside(() =>
      peakDuring(server.pid, () => attacker.assault({ forMs, firstRound: goes })),
    );
    goes += done.done.goes;
    all.beside.push(beside);
    all.assaults.push(done.done);
    all.peaks.push(done.peakBytes);
  }
  return { ...all, unprepared };
}

interface Aftermath {
  readonly leftBytes: number;
  readonly faults: readonly string[];
}

async function aftermath(server: Server, honest: Honest, before: number, quiet: boolean): Promise<Aftermath> {
  const faults: string[] = [];
  if (!server.alive) return { leftBytes: 0, faults: [`the node has ended: ${server.said}`] };
  if (!quiet) faults.push('a processor is still in use');
  const held = await heldWithoutHonest(server, honest, before + LEFT_BYTES_MAX, SETTLE_MS);
  const pong = await ping(server);
  if (pong !== undefined) faults.push(pong);
  return { leftBytes: held - before, faults };
}

/** When no record of an activation is left but those of honest functions, which then are deleted, too. */
async function heldWithoutHonest(
  server: Server,
  honest: Honest,
  wantedBytes: number,
  deadlineMs: number,
): Promise<number> {
  const { told } = await honest.fillRecords();
  if (told[0] !== undefined) throw new PlatformError('bench_failed', `without an attack ${told[0]}`);
  await honest.retreat();
  await becomesQuiet(server.pid, QUIET_MS);
  return await heldInTheEnd(server, wantedBytes, deadlineMs);
}

async function ping(server: Server): Promise<string | undefined> {
  const client = new HttpClient(server);
  try {
    const { status, text } = await client.call('GET', '/ping', { timeoutMs: 30_000 });
    return status === 200 ? undefined : `ping: ${status} ${text}`;
  } catch (error) {
    return `ping: ${String(error)}`;
  } finally {
    client.close();
  }
}

function judge(attack: Attack, before: number, rounds: Rounds, after: Aftermath): HostileResult {
  const alone = summarize(rounds.alone.flatMap(({ latencies }) => latencies));
  const beside = summarize(rounds.beside.flatMap(({ latencies }) => latencies));
  const lost = rounds.beside.reduce((sum, each) => sum + each.lost, 0);
  const peakBytes = Math.max(...rounds.peaks) - before;
  const faults = new Set(rounds.assaults.flatMap((each) => each.faults));
  if (rounds.unprepared !== undefined) faults.add(rounds.unprepared);
  if (beside.p99 > attack.barMs)
    faults.add(`p99 of ${beside.p99.toFixed(1)} ms, over the bar of ${attack.barMs}`);
  if (lost > 0) faults.add(`${lost} answers lost: ${rounds.beside.flatMap(({ told }) => told)[0]}`);
  if (peakBytes > attack.peakBytes) {
    faults.add(`${mib(peakBytes)} MiB at its peak, over the bar of ${mib(attack.peakBytes)}`);
  }
  if (after.leftBytes > LEFT_BYTES_MAX)
    faults.add(`${mib(after.leftBytes)} MiB are left, over the bar of ${mib(LEFT_BYTES_MAX)}`);
  for (const fault of after.faults) faults.add(fault);
  return {
    attack: attack.name,
    promise: attack.promise,
    barMs: attack.barMs,
    alone,
    beside,
    lost,
    goes: rounds.assaults.reduce((sum, each) => sum + each.goes, 0),
    peakBytes,
    leftBytes: after.leftBytes,
    faults: [...faults],
  };
}

function mib(bytes: number): string {
  return (bytes / MIB).toFixed(0);
}
