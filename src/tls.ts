/** Which authorities TLS trusts, and whether a connection failed because of TLS. */
import { readFileSync } from 'node:fs';
import * as tls from 'node:tls';

/** A failure that another attempt will not change: why, in words that follow a colon, and what to do about it. */
interface TlsFault {
  kind: 'server certificate' | 'client certificate' | 'no TLS' | 'handshake';
  why: string;
  hint: string;
}

/**
 * Why TLS refused a connection; null = another layer failed (network, DNS, HTTP), or another attempt may succeed.
 *
 * It is decided by the layer that made the error, not by a list of codes: the certificate verifier has dozens, `UNSPECIFIED`
 * among them.
 * @param peer the name of the other side in the texts
 */
export function tlsFault(error: unknown, peer: 'broker' | 'server'): TlsFault | null {
  const code = tlsCode(error);
  if (code === null) return isWrapper(error) ? tlsFault(error.cause, peer) : null;
  if (PASSING.test(code)) return null;
  const alert = /^ERR_(SSL|OSSL)_/.test(code) ? handshakeFault(code, peer) : null;
  return alert ?? verifierFault(code, error as Error, peer);
}

/** A damaged record, a peer without memory, or one that closed the connection: another attempt may succeed. */
const PASSING = /BAD_RECORD_MAC|DECRYPTION_FAILED|UNEXPECTED_EOF|ALERT_INTERNAL_ERROR|ALERT_USER_CANCELLED/;

/** The code of an error of OpenSSL or its verifier; null = another layer made the error. */
export function tlsCode(error: unknown): string | null {
  if (!(error instanceof Error)) return null;
  const { code, syscall } = error as { code?: unknown; syscall?: unknown };
  // If a write meets an OpenSSL error, Node reports EPROTO, with the reason only in the message.
  const reason = code === 'EPROTO' ? /SSL routines:[^:]*:([^:]+):/.exec(error.message)?.[1] : undefined;
  if (reason !== undefined) return `ERR_SSL_${reason.toUpperCase().replaceAll(' ', '_')}`;
  if (typeof code !== 'string' || syscall !== undefined || OTHER_LAYERS.test(code)) return null;
  return code;
}

// Errors of the system (ECONNRESET), Node's streams, undici, the HTTP parser, ws, and AbortSignal.
const OTHER_LAYERS = /^(E[A-Z0-9]+$|ERR_(?!TLS_|SSL_|OSSL_)|UND_ERR_|HPE_|WS_ERR_|ABORT_)/;

function isWrapper(error: unknown): error is Error {
  return error instanceof Error && error.cause instanceof Error;
}

const UNKNOWN_AUTHORITY: ReadonlySet<string> = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'CERT_UNTRUSTED',
  'CERT_SIGNATURE_FAILURE',
  'INVALID_CA',
]);

/** Texts for the common codes of the verifier. */
function verifierFault(code: string, error: Error, peer: string): TlsFault {
  const fault = (why: string, hint: string): TlsFault => ({
    kind: 'server certificate',
    why: `the ${peer}'s certificate ${why}`,
    hint,
  });
  if (UNKNOWN_AUTHORITY.has(code)) {
    return fault(
      `is not signed by a known authority (${code})`,
      `Give the certificate of the authority that signed it with --ca, or name its file in NODE_EXTRA_CA_CERTS${
        systemAuthorities() ? '' : ` (Node.js ${process.versions.node} does not use the system's store)`
      }.`,
    );
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID' || code === 'HOSTNAME_MISMATCH') {
    const { reason } = error as { reason?: unknown };
    return fault(
      `is for another host${typeof reason === 'string' && reason !== '' ? `: ${reason}` : ''}`,
      'Use a host name that the certificate covers.',
    );
  }
  if (code === 'CERT_HAS_EXPIRED') {
    return fault('has expired', 'Renew the certificate, or correct the clock of this machine.');
  }
  if (code === 'CERT_NOT_YET_VALID') return fault('is not valid yet', 'Check the clock of this machine.');
  // Node 20 to 24 report this as UNSPECIFIED; only OpenSSL's text identifies it.
  if (/digest algorithm too weak|md too weak/i.test(error.message)) {
    return fault(
      'or one in its chain is signed with an outdated algorithm (SHA-1 or MD5)',
      'Get a new certificate that is signed with SHA-256 or better.',
    );
  }
  if (code === 'INVALID_PURPOSE') {
    return fault(
      'is not made for a server',
      'Get a certificate whose extended key usage includes “TLS web server authentication” (serverAuth).',
    );
  }
  // Newer versions append advice for programmers after a semicolon.
  const words = error.message.split(';')[0] ?? '';
  return fault(`was refused: ${words || code}${words && code !== 'UNSPECIFIED' ? ` (${code})` : ''}`, RENEW);
}

const RENEW = 'Get a certificate that is valid for this server; name the authority that signed it with --ca.';

/** A fault that OpenSSL found itself, or received as an alert from the other side. */
function handshakeFault(code: string, peer: string): TlsFault | null {
  if (/CERTIFICATE_REQUIRED|HANDSHAKE_FAILURE/.test(code)) {
    return {
      kind: 'client certificate',
      why: `the ${peer} ended the TLS handshake: it probably requires a client certificate`,
      hint: 'Give one with --cert and --key.',
    };
  }
  if (
    /ALERT_(UNKNOWN_CA|BAD_CERTIFICATE|CERTIFICATE_\w+|UNSUPPORTED_CERTIFICATE|ACCESS_DENIED|DECRYPT_ERROR)/.test(code)
  ) {
    return {
      kind: 'client certificate',
      why: `the ${peer} does not accept the client certificate (${code})`,
      hint: 'Check --cert and --key.',
    };
  }
  if (/WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST|UNEXPECTED_MESSAGE/.test(code)) {
    return { kind: 'no TLS', why: 'there is no TLS on this port', hint: 'Check the port and the scheme of the URL.' };
  }
  return {
    kind: 'handshake',
    why: `TLS failed (${code})`,
    hint: `Check the certificates that were given, and that the ${peer} speaks TLS 1.2 or newer.`,
  };
}

/** Available since Node 22.15 and 23.10. Older versions know only their own list and NODE_EXTRA_CA_CERTS. */
function systemAuthorities(): ((type: 'default' | 'system') => string[]) | undefined {
  return (tls as { getCACertificates?: (type: 'default' | 'system') => string[] }).getCACertificates;
}

let usual: readonly string[] | undefined;

/**
 * PEM of the authorities that are trusted by default: those of Node, of `NODE_EXTRA_CA_CERTS`, and of the system's store if
 * Node can read it. The first call reads that store, which takes 60 ms for 300 authorities.
 */
export function usualAuthorities(): readonly string[] {
  const read = systemAuthorities();
  usual ??= read
    ? [...new Set([...read('default'), ...read('system')])]
    : [...tls.rootCertificates, ...extraAuthorities()];
  return usual;
}

// `rootCertificates` is only the bundled list. Node itself warns of a file that it cannot read.
function extraAuthorities(): string[] {
  try {
    return [readFileSync(process.env.NODE_EXTRA_CA_CERTS ?? '', 'utf8')];
  } catch {
    return [];
  }
}
