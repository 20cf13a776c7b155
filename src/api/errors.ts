import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { CatalogError } from '../catalog/catalog-error.ts';
import { ERRORS } from '../contract/error-codes.ts';
import { PlatformError } from '../contract/errors.ts';

/** An error with its HTTP status; the text goes to the client. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** @param faults of a request that is not what was asked for */
export function malformed(faults: string): ApiError {
  return new ApiError(400, malformedText(faults));
}

function malformedText(faults: string): string {
  return `The request content was malformed: ${faults}`;
}

export const TOO_LARGE = 'The request is larger than this resource allows.';
export const NOT_FOUND = 'The requested resource does not exist.';

/** OpenWhisk's error body: `code` is the transaction id, by which the server's log can be searched. */
interface ErrorBody {
  readonly error: string;
  readonly code: string;
  /** Code of a PlatformError. */
  readonly reason?: string;
}

export function handleError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const { status, message, reason } = describe(error);
  if (status === 401) reply.header('www-authenticate', 'Basic realm="OpenWhisk secure realm"');
  if (status === 429) reply.header('retry-after', '1');
  if (status >= 500) request.log.error(error);
  const body: ErrorBody = { error: message, code: request.id, ...(reason === undefined ? {} : { reason }) };
  return reply.code(status).send(body);
}

export function describe(error: unknown): { status: number; message: string; reason?: string } {
  if (error instanceof ApiError) return { status: error.status, message: error.message };
  if (error instanceof CatalogError) return { status: ERRORS[error.code].http, message: wordsOf(error) };
  if (error instanceof PlatformError) {
    const message = error.remedy === undefined ? error.message : `${error.message} ${error.remedy}`;
    return { status: ERRORS[error.code].http, message, reason: error.code };
  }
  const { statusCode, code, message } = error as Partial<FastifyError>;
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
    return { status: 413, message: TOO_LARGE };
  }
  if (statusCode !== undefined && statusCode < 500)
    return { status: statusCode, message: message ?? 'Bad request.' };
  return { status: 500, message: 'There was an internal server error.' };
}

/** OpenWhisk's words for it. */
function wordsOf({ code, message }: CatalogError): string {
  switch (code) {
    case 'unknown_entity':
      return NOT_FOUND;
    case 'concurrent_change':
      return 'Concurrent modification to resource detected.';
    case 'bad_annotation':
      return malformedText(message);
    case 'catalog_full':
    case 'values_too_large':
      return message;
  }
}
