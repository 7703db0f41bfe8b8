/** Reads certificates and private keys in PEM files. Errors name the file and what to do. */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { type ErrorCode, OtaError } from './errors.js';
import { safeText } from './text.js';

/** A PEM file and how errors refer to it. */
export interface PemFile {
  bytes: Buffer;
  /** Its name in messages: `--ca ./ca.pem`. */
  name: string;
  code: ErrorCode;
}

/**
 * The certificate of a client, after checking that its private key belongs to it and that TLS accepts both.
 * @throws OtaError with the code of the faulty file
 */
export function readClientCertificate(cert: PemFile, key: PemFile): X509Certificate {
  if (kindOf(cert.bytes) === 'a private key' && kindOf(key.bytes) === 'a certificate') {
    throw new OtaError(cert.code, `${cert.name} holds a private key and ${key.name} a certificate`, {
      hint: 'Swap them: give the certificate with --cert and its private key with --key.',
    });
  }
  const chain = readCertificates(cert);
  const privateKey = readKey(key);
  const leaf = chain[0] as X509Certificate;
  if (!leaf.checkPrivateKey(privateKey)) {
    const other = chain.findIndex((one) => one.checkPrivateKey(privateKey));
    throw new OtaError(key.code, `the private key of ${key.name} does not belong to the certificate of ${cert.name}`, {
      hint:
        other > 0
          ? `It belongs to certificate ${other + 1} in that file: put that one first, then its issuers.`
          : `The certificate is for ${subjectOf(leaf)}: give the key that belongs to it.`,
    });
  }
  try {
    createSecureContext({ cert: cert.bytes, key: key.bytes });
  } catch (cause) {
    // The key is valid and belongs to the certificate, so TLS rejects the certificate.
    throw unusable(cert, reasonOf(cause), 'Its key may be too short, or its signature outdated (SHA-1, MD5).', cause);
  }
  return leaf;
}

const BLOCK = /-----BEGIN ((?:X509 |TRUSTED )?CERTIFICATE)-----[^-]*-----END \1-----/g;

/** The certificates in `file`, at least one. @throws OtaError if there is none, or a damaged one */
export function readCertificates(file: PemFile): X509Certificate[] {
  const kind = kindOf(file.bytes);
  if (kind !== 'a certificate') throw unusable(file, `it is ${kind}`, remedy(kind, 'a certificate'));
  return (file.bytes.toString('latin1').match(BLOCK) ?? ['']).map((block, index) => {
    try {
      return new X509Certificate(block);
    } catch (cause) {
      const reason = `certificate ${index + 1} in it is damaged (${reasonOf(cause)})`;
      throw unusable(file, reason, 'Copy the file again, whole and as text.', cause);
    }
  });
}

/** The private key in `file`. @throws OtaError if there is none, or it is damaged or has a passphrase */
export function readKey(file: PemFile): KeyObject {
  const kind = kindOf(file.bytes, 'key');
  if (kind !== 'a private key') throw unusable(file, `it is ${kind}`, remedy(kind, 'a private key'));
  try {
    return createPrivateKey(file.bytes);
  } catch (cause) {
    throw unusable(file, `the key in it is damaged (${reasonOf(cause)})`, 'Copy the file again, whole.', cause);
  }
}

function unusable({ code, name }: PemFile, reason: string, hint: string, cause?: unknown): OtaError {
  return new OtaError(code, `${name} cannot be used: ${reason}`, { hint, cause });
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? safeText(cause.message, 120) : String(cause);
}

/** What a file contains, in words. If it has several things, `wanted` is preferred. */
function kindOf(file: Buffer, wanted: 'certificate' | 'key' = 'certificate'): string {
  const text = file.toString('latin1');
  const labels = [...text.matchAll(/-----BEGIN ([A-Z0-9 ]+)-----/g)].map((match) => match[1] ?? '');
  const kinds = labels.map((label) => {
    if (/^((X509|TRUSTED) )?CERTIFICATE$/.test(label)) return 'a certificate';
    if (label.endsWith('CERTIFICATE REQUEST')) return 'a certificate request (CSR)';
    if (label === 'OPENSSH PRIVATE KEY') return 'a private key in OpenSSH format';
    if (label === 'ENCRYPTED PRIVATE KEY') return 'an encrypted private key';
    if (label.endsWith('PRIVATE KEY')) {
      return /Proc-Type: *4,ENCRYPTED/.test(text) ? 'an encrypted private key' : 'a private key';
    }
    if (label.endsWith('PUBLIC KEY')) return 'a public key';
    return `PEM of another kind (${safeText(label, 40)})`;
  });
  const right = kinds.find((kind) => (wanted === 'key' ? kind.includes('private key') : kind === 'a certificate'));
  // openssl writes the parameters of a curve before its key.
  return right ?? kinds.at(-1) ?? withoutPem(file);
}

function withoutPem(file: Buffer): string {
  if (file.length === 0) return 'empty';
  if (file.readUInt16BE(0) === 0xfffe || file.readUInt16BE(0) === 0xfeff) return 'text in UTF-16';
  if (file[0] !== 0x30) return 'no PEM file';
  // RFC 7292, section 4: a SEQUENCE that begins with version 3.
  if (file.subarray(2, 8).includes(Buffer.from([2, 1, 3]))) return 'a PKCS #12 file (.p12, .pfx)';
  try {
    new X509Certificate(file);
    return 'a certificate in binary form (DER)';
  } catch {
    return 'a binary file (DER)';
  }
}

function remedy(kind: string, wanted: 'a certificate' | 'a private key'): string {
  if (kind.startsWith('an encrypted')) {
    return 'Keys with a passphrase are not supported: write a copy without one, e.g. openssl pkey -in FILE -out client.key, with mode 0600.';
  }
  if (kind.startsWith('a PKCS #12')) {
    const part = wanted === 'a certificate' ? '-clcerts -nokeys -out client.pem' : '-nocerts -noenc -out client.key';
    return `Extract ${wanted}: openssl pkcs12 -in FILE ${part}`;
  }
  if (kind.includes('(DER)')) {
    const command = wanted === 'a certificate' ? 'x509' : 'pkey';
    return `Convert it: openssl ${command} -inform DER -in FILE -out FILE.pem`;
  }
  if (kind.startsWith('a certificate request')) return 'Give the certificate that the authority issued for it.';
  if (kind.includes('OpenSSH')) return 'Convert it: ssh-keygen -p -m PEM -f FILE';
  return wanted === 'a certificate'
    ? 'It must be a certificate in PEM form, beginning with -----BEGIN CERTIFICATE-----.'
    : 'It must be a private key in PEM form, beginning with -----BEGIN PRIVATE KEY-----.';
}

function subjectOf(certificate: X509Certificate): string {
  return safeText(certificate.subject?.replaceAll('\n', ', ') || 'nobody', 120);
}
