import { LongCode } from '../action/long-code.ts';
import type { ActionExec } from '../action/packager.ts';
import { JsonText } from '../json/json-text.ts';
import { printJson } from '../json/print.ts';

/** No valid JSON text holds it. */
const MARK = '\0';

/** The JSON of an action's document in pieces: a long code is one of them, and stays the bytes that it is. */
export function printAction<Document extends { readonly exec: Partial<ActionExec> }>(
  document: Document,
): (string | Uint8Array)[] {
  const { code } = document.exec;
  if (!(code instanceof LongCode)) return [printJson(document)];
  const marked = { ...document, exec: { ...document.exec, code: JsonText.trusted(MARK) } };
  const [before = '', behind = ''] = printJson(marked).split(MARK);
  return [before, code.literal, behind];
}
