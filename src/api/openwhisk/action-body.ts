import { type CodeText, LONG_CODE_BYTES } from '../../action/long-code.ts';
import type { Packed } from '../../action/pack-code.ts';
import type { Packager } from '../../action/packager.ts';
import { actionDocument } from '../../catalog/action-document.ts';
import { jsonOf } from '../body.ts';
import type { BodyBytes } from '../http/body-bytes.ts';
import { type ActionPut, actionPut, parse } from '../schemas.ts';

type PutExec = NonNullable<ActionPut['exec']>;

/** What a request says about an action. */
export interface ActionContent extends Omit<ActionPut, 'exec'> {
  readonly exec?: (Omit<PutExec, 'code'> & { readonly code: CodeText }) | undefined;
  /** Its code, if that was packed already. */
  readonly packed?: Packed | undefined;
}

/**
 * Reads the body of a PUT. A long one is read, and its code packed, beside this thread.
 * @param name of the action, for messages
 * @throws ApiError 400, 413; PlatformError for bad code
 */
export async function readActionBody(
  body: BodyBytes | undefined,
  packager: Packager,
  name: string,
): Promise<ActionContent> {
  if (body === undefined) return {};
  if (body.length <= LONG_CODE_BYTES) return parseContent(body.text());
  const { rest, code, packed } = await packager.packDocument(body.pieces(), name);
  try {
    const content = parseContent(rest);
    if (content.exec === undefined || code === undefined) return content;
    return { ...content, exec: { ...content.exec, code }, packed };
  } catch (error) {
    if (packed !== undefined) packager.images.tidy(packed);
    throw error;
  }
}

function parseContent(text: string): ActionPut {
  const json = jsonOf(text);
  return parse(actionPut, json === undefined ? {} : (actionDocument(json) ?? {}));
}
