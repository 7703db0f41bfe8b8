/** Checks the files of --ca, --cert and --key before the first attempt, so that an error names the file. */
import type { X509Certificate } from 'node:crypto';
import { createSecureContext, type SecureContext } from 'node:tls';
import { OtaError } from '../../errors.js';
import { type PemFile, readCertificates, readClientCertificate } from '../../pem.js';
import { usualAuthorities } from '../../tls.js';
import type { ConnectionSettings } from '../broker.js';

/** The checked TLS settings of a connection. */
export interface TlsFiles {
  insecure: boolean;
  /** Created at the first call and cached, because parsing a few hundred authorities takes about 30 ms. */
  context(): SecureContext;
  /**
   * Why a broker may refuse the client certificate; null = there is none, or no reason is known. `now`: milliseconds since
   * 1970.
   */
  clientDoubt(now: number): string | null;
}

/** Reads the TLS settings. @throws OtaError `settings_invalid`, which names the unusable file and the reason */
export function readTlsFiles(settings: ConnectionSettings): TlsFiles {
  const { ca, cert, key } = settings;
  if ((cert === undefined) !== (key === undefined)) {
    throw new OtaError('settings_invalid', cert ? '--cert needs --key' : '--key needs --cert', {
      hint: 'Give a client certificate together with its private key.',
    });
  }
  if (ca) readCertificates(named('--ca', ca));
  const client = cert && key ? readClientCertificate(named('--cert', cert), named('--key', key)) : null;
  let made: SecureContext | undefined;
  return {
    insecure: settings.insecure === true,
    context() {
      made ??= createSecureContext({ ca: ca ?? [...usualAuthorities()], cert, key, minVersion: 'TLSv1.2' });
      return made;
    },
    clientDoubt: (now) => client && doubt(client, now),
  };
}

function named(name: string, bytes: Buffer): PemFile {
  return { bytes, name, code: 'settings_invalid' };
}

/** The extended key usage of RFC 5280, section 4.2.1.12. */
const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';

function doubt(certificate: X509Certificate, now: number): string | null {
  if (Date.parse(certificate.validTo) < now) return `it expired on ${certificate.validTo}`;
  if (Date.parse(certificate.validFrom) > now) return `it is not valid before ${certificate.validFrom}`;
  const usage = certificate.keyUsage as string[] | undefined;
  if (usage && !usage.includes(CLIENT_AUTH))
    return 'it is not made for clients (extended key usage without clientAuth)';
  return null;
}
