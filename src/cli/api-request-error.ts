/** The node refused a request, or failed at it. */
export class ApiRequestError extends Error {
  override readonly name = 'ApiRequestError';
  /** HTTP status. */
  readonly status: number;
  /** Code of the node's PlatformError, or `http_STATUS`. */
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}
