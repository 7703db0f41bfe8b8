import { STATUS_CODES } from 'node:http';
import { systemReason } from '../../errors.js';
import { safeText } from '../../text.js';
import { tlsFault } from '../../tls.js';
import { type HttpAnswer, RedirectError, RequestError } from './client.js';
import { ProxyError } from './proxy.js';

/** A download that cannot continue, in words that follow the name of the file. Never contains the URL. */
export class DownloadError extends Error {
  /** Whether the bytes are available, but are not what the manifest says. */
  readonly mismatch: boolean;
  constructor(message: string, { mismatch = false } = {}) {
    super(message);
    this.mismatch = mismatch;
  }
}

/** Whether a request with this status is worth another attempt. */
export function worthRetry(status: number): boolean {
  return status === 408 || status === 425 || status === 429 || status >= 500;
}

/** An HTTP status with its usual meaning. */
export function showStatus(status: number): string {
  const name = STATUS_CODES[status];
  const meaning: Record<number, string> = {
    401: ': the URL needs credentials',
    403: ': the URL has expired or its credentials do not allow this',
    404: ': there is no such file',
    407: ': the proxy requires credentials',
    410: ': the file is gone',
  };
  return `the server answered ${status}${name ? ` ${name}` : ''}${meaning[status] ?? ''}`;
}

/** Like {@link showStatus}, with the way on which the response came. */
export function showAnswer({ status, way }: Pick<HttpAnswer, 'status' | 'way'>): string {
  return `${showStatus(status)}${way}`;
}

/**
 * The `Content-Encoding` of a response, which was not requested, so that the body is not the file; null = none. `aws-chunked`
 * is the framing of uploads to S3: some stores repeat it, but send the file unchanged.
 */
export function foreignEncoding({ headers }: Pick<HttpAnswer, 'headers'>): string | null {
  const encodings = (headers['content-encoding'] ?? '').split(',').map((each) => each.trim());
  const foreign = encodings.filter((each) => !/^(identity|aws-chunked|)$/i.test(each));
  return foreign.length === 0 ? null : safeText(foreign.join(', '), 60);
}

/** Whether another attempt is useless: errors of TLS, redirects and settings do not go away, unlike other network errors. */
export function isLasting(error: unknown): boolean {
  if (error instanceof ProxyError) return error.lasting;
  return error instanceof DownloadError || error instanceof RedirectError || tlsFault(error, 'server') !== null;
}

/** A failed request in words that follow the name of the file. */
export function showHttpProblem(error: unknown): string {
  if (error instanceof RequestError) return `${showFailure(error.cause)}${error.way}`;
  return showFailure(error);
}

function showFailure(error: unknown): string {
  if (error instanceof DownloadError || error instanceof RedirectError || error instanceof ProxyError) {
    return error.message;
  }
  const code = (error as { code?: unknown } | null)?.code;
  if (code === 'UND_ERR_CONNECT_TIMEOUT') return 'the server cannot be reached: no answer in time';
  if (code === 'UND_ERR_HEADERS_TIMEOUT' || code === 'UND_ERR_BODY_TIMEOUT') return 'the server stopped responding';
  if (code === 'UND_ERR_SOCKET' || code === 'ECONNRESET' || code === 'EPIPE') return 'the connection was interrupted';
  const fault = tlsFault(error, 'server');
  // A firmware server that requires a client certificate is not usable for docks, so there is no option for one.
  if (fault) return safeText(fault.kind === 'client certificate' ? fault.why : `${fault.why}. ${fault.hint}`, 400);
  return `the server cannot be reached: ${safeText(reasonOf(error), 160)}`;
}

// For a host with several addresses, Node collects one error per address. The first one is shown.
function reasonOf(error: unknown): string {
  return error instanceof AggregateError && error.errors.length > 0
    ? systemReason(error.errors[0])
    : systemReason(error);
}
