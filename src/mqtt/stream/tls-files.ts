/** The files of --ca, --cert and --key, checked before the first attempt so that the one at fault is named. */
import type { X509Certificate } from 'node:crypto';
import { createSecureContext, type SecureContext } from 'node:tls';
import { OtaError } from '../../errors.js';
import { type PemFile, readCertificates, readClientCertificate } from '../../pem.js';
import { usualAuthorities } from '../../tls.js';
import type { ConnectionSettings } from '../broker.js';

export interface TlsFiles {
  insecure: boolean;
  /** Made at the first call and kept: parsing a few hundred authorities takes some 30 ms. */
  context(): SecureContext;
  /** What speaks against the client certificate where a broker refuses it; null where there is none, or nothing does. */
  clientDoubt(now: number): string | null;
}

/** @throws OtaError `settings_invalid`, naming the file that cannot be used and why. */
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
