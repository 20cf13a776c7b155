import type { JsonValue } from '../../src/json/json-text.ts';
import { Driver, NODEJS } from './harness.ts';

/** The answer of a function's first run in a driver of its own. */
export async function runOnce(source: string, value: JsonValue = {}, main = 'main', filename = 'hello.js') {
  await using driver = await Driver.boot(NODEJS);
  await driver.load(source, { main, filename });
  return await driver.run(value);
}
