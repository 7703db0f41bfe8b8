/**
 * Certificates for tests, generated in each run, so that nothing expires in the repository, and openssl is not needed. They
 * contain only what RFC 5280 requires of a version 3 certificate with ECDSA P-256 keys.
 */
import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { isIP } from 'node:net';

export interface Certificate {
  /** PEM. */
  cert: Buffer;
  /** PEM. */
  key: Buffer;
}

export interface Certificates {
  ca: Certificate;
  /** Another authority, which no client trusts. */
  otherCa: Certificate;
  /** For localhost and 127.0.0.1. */
  server: Certificate;
  expired: Certificate;
  /** For broker.example. */
  wrongHost: Certificate;
  client: Certificate;
  /** For localhost, but with a key usage that is not for servers. */
  clientUse: Certificate;
  /** For localhost, signed with SHA-1. */
  weak: Certificate;
  /** With a key of 512 bits, which no version of TLS accepts. */
  short: Certificate;
  /** Issued by the other authority. */
  foreignClient: Certificate;
}

const YEAR = 365 * 24 * 3600 * 1000;

export function makeCertificates(): Certificates {
  const ca = authority('dji-ota test CA');
  const otherCa = authority('dji-ota other test CA');
  const local = ['localhost', '127.0.0.1'];
  return {
    ca: ca.pem,
    otherCa: otherCa.pem,
    server: ca.issue('localhost', local, YEAR),
    expired: ca.issue('localhost', local, -24 * 3600 * 1000),
    wrongHost: ca.issue('broker.example', ['broker.example'], YEAR),
    client: ca.issue('test-client', [], YEAR),
    clientUse: ca.issue('localhost', local, YEAR, { uses: [CLIENT_AUTH] }),
    weak: ca.issue('localhost', local, YEAR, { digest: 'sha1' }),
    short: ca.issue('localhost', local, YEAR, { keys: generateKeyPairSync('rsa', { modulusLength: 512 }) }),
    foreignClient: otherCa.issue('test-client', [], YEAR),
  };
}

function authority(name: string) {
  const keys = newKeys();
  const extension = sequence(BASIC_CONSTRAINTS, TRUE, octets(sequence(TRUE)));
  const self = { name, key: keys.privateKey };
  return {
    pem: build(self, name, keys, [extension], YEAR),
    issue: (subject: string, hosts: string[], validFor: number, more: Special = {}): Certificate => {
      const names = hosts.map((host) =>
        isIP(host) ? tlv(0x87, Buffer.from(host.split('.').map(Number))) : tlv(0x82, Buffer.from(host)),
      );
      const extensions = hosts.length > 0 ? [sequence(SUBJECT_ALT_NAME, octets(sequence(...names)))] : [];
      if (more.uses) extensions.push(sequence(EXTENDED_KEY_USAGE, octets(sequence(...more.uses))));
      return build(self, subject, more.keys ?? newKeys(), extensions, validFor, more.digest);
    },
  };
}

interface Special {
  /** Extended key usages, as OIDs in DER. */
  uses?: Buffer[];
  digest?: 'sha1' | 'sha256';
  keys?: { publicKey: KeyObject; privateKey: KeyObject };
}

function newKeys() {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' });
}

function build(
  issuer: { name: string; key: KeyObject },
  subject: string,
  keys: { publicKey: KeyObject; privateKey: KeyObject },
  extensions: Buffer[],
  validFor: number,
  digest: 'sha1' | 'sha256' = 'sha256',
): Certificate {
  const algorithm = digest === 'sha1' ? ECDSA_WITH_SHA1 : ECDSA_WITH_SHA256;
  const now = Date.now();
  const body = sequence(
    tlv(0xa0, integer(Buffer.from([2]))),
    integer(Buffer.concat([Buffer.from([0x40]), randomBytes(15)])),
    algorithm,
    commonName(issuer.name),
    sequence(time(now - YEAR), time(now + validFor)),
    commonName(subject),
    keys.publicKey.export({ type: 'spki', format: 'der' }),
    ...(extensions.length > 0 ? [tlv(0xa3, sequence(...extensions))] : []),
  );
  const signature = sign(digest, body, issuer.key);
  const der = sequence(body, algorithm, tlv(0x03, Buffer.concat([Buffer.from([0]), signature])));
  const lines = (der.toString('base64').match(/.{1,64}/g) ?? []).join('\n');
  return {
    cert: Buffer.from(`-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`),
    key: Buffer.from(keys.privateKey.export({ type: 'pkcs8', format: 'pem' })),
  };
}

// DER (X.690): tag, length, value.

function tlv(tag: number, value: Buffer): Buffer {
  const { length } = value;
  const head =
    length < 0x80 ? [tag, length] : length < 0x100 ? [tag, 0x81, length] : [tag, 0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from(head), value]);
}

function sequence(...parts: Buffer[]): Buffer {
  return tlv(0x30, Buffer.concat(parts));
}

function integer(value: Buffer): Buffer {
  return tlv(0x02, value);
}

function octets(value: Buffer): Buffer {
  return tlv(0x04, value);
}

function oid(hex: string): Buffer {
  return tlv(0x06, Buffer.from(hex, 'hex'));
}

/** GeneralizedTime: YYYYMMDDHHMMSSZ. */
function time(ms: number): Buffer {
  return tlv(0x18, Buffer.from(`${new Date(ms).toISOString().replace(/\.\d+|[^\dZ]/g, '')}`));
}

function commonName(name: string): Buffer {
  return sequence(tlv(0x31, sequence(oid('550403'), tlv(0x0c, Buffer.from(name)))));
}

const TRUE = Buffer.from([0x01, 0x01, 0xff]);
const BASIC_CONSTRAINTS = oid('551d13');
const SUBJECT_ALT_NAME = oid('551d11');
const EXTENDED_KEY_USAGE = oid('551d25');
const CLIENT_AUTH = oid('2b06010505070302');
const ECDSA_WITH_SHA1 = sequence(oid('2a8648ce3d0401'));
const ECDSA_WITH_SHA256 = sequence(oid('2a8648ce3d040302'));
