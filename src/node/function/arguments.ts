import type { Arguments } from '../../contract/action.ts';
import { PlatformError } from '../../contract/errors.ts';
import { JsonText } from '../../json/json-text.ts';
import { JsonError } from '../../json/scanner.ts';

/**
 * The text with which arguments travel.
 * @throws PlatformError `bad_arguments`
 */
export function argumentsText(params: Arguments): JsonText {
  if (params instanceof JsonText) {
    return params;
  }
  try {
    return JsonText.of(params);
  } catch (error) {
    throw error instanceof JsonError
      ? new PlatformError('bad_arguments', `the arguments: ${error.message}`)
      : error;
  }
}
