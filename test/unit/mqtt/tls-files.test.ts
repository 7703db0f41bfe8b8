import { createPrivateKey, X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { OtaError } from '../../../src/errors.js';
import type { ConnectionSettings } from '../../../src/mqtt/broker.js';
import { readTlsFiles } from '../../../src/mqtt/stream/tls-files.js';
import { connection } from '../../helpers/broker-recorder.js';
import { makeCertificates } from '../../helpers/certificates.js';

const { ca, client, server, short, clientUse, expired } = makeCertificates();
const key = createPrivateKey(client.key);
const der = new X509Certificate(client.cert).raw;
const pem = (label: string) => Buffer.from(`-----BEGIN ${label}-----\nAAAA\n-----END ${label}-----\n`);

function refusal(files: Partial<ConnectionSettings>): OtaError {
  try {
    readTlsFiles(connection('mqtts://h', files));
  } catch (error) {
    if (error instanceof OtaError) return error;
    throw error;
  }
  throw new Error('was taken');
}

const encrypted = key.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'secret' });
const oldEncrypted = 'Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00';

describe('a client certificate that cannot be used', () => {
  it.each([
    ['a key in both', client.key, client.key, '--cert', 'it is a private key'],
    ['a certificate in both', client.cert, client.cert, '--key', 'it is a certificate'],
    ['a request', pem('CERTIFICATE REQUEST'), client.key, '--cert', 'a certificate request (CSR)'],
    ['a certificate in DER', der, client.key, '--cert', 'a certificate in binary form (DER)'],
    ['a key in DER', client.cert, key.export({ type: 'pkcs8', format: 'der' }), '--key', 'a binary file (DER)'],
    ['PKCS #12', Buffer.from('308209b102010330820977', 'hex'), client.key, '--cert', 'PKCS #12'],
    ['PKCS #12', client.cert, Buffer.from('308209b102010330820977', 'hex'), '--key', 'PKCS #12'],
    ['PKCS #7', pem('PKCS7'), client.key, '--cert', 'PEM of another kind (PKCS7)'],
    ['an empty file', Buffer.alloc(0), client.key, '--cert', 'it is empty'],
    ['text', client.cert, Buffer.from('key'), '--key', 'no PEM file'],
    ['UTF-16', Buffer.from(`\ufeff${client.cert}`, 'utf16le'), client.key, '--cert', 'UTF-16'],
    ['a damaged certificate', pem('CERTIFICATE'), client.key, '--cert', 'certificate 1 in it is damaged'],
    ['a damaged chain', Buffer.concat([client.cert, pem('CERTIFICATE')]), client.key, '--cert', 'certificate 2'],
    ['a damaged key', client.cert, pem('PRIVATE KEY'), '--key', 'the key in it is damaged'],
    ['an encrypted key', client.cert, Buffer.from(encrypted), '--key', 'an encrypted private key'],
    [
      'a key encrypted in the old way',
      client.cert,
      Buffer.from(`${pem('RSA PRIVATE KEY')}`.replace('AAAA', `${oldEncrypted}\n\nAAAA`)),
      '--key',
      'an encrypted private key',
    ],
    ['an OpenSSH key', client.cert, pem('OPENSSH PRIVATE KEY'), '--key', 'OpenSSH'],
    ['a public key', client.cert, pem('PUBLIC KEY'), '--key', 'a public key'],
    ['a certificate that TLS does not take', short.cert, short.key, '--cert', 'too small'],
  ])('%s', (_, cert, keyFile, option, words) => {
    const error = refusal({ cert, key: keyFile });
    expect(error.code).toBe('settings_invalid');
    expect(error.message).toContain(`${option} cannot be used: `);
    expect(error.message).toContain(words);
    expect(error.hint).toBeTruthy();
  });

  it('names both where they are swapped, or do not belong together', () => {
    expect(refusal({ cert: client.key, key: client.cert }).hint).toContain('Swap them');
    const other = refusal({ cert: client.cert, key: server.key });
    expect(other.message).toBe('the private key of --key does not belong to the certificate of --cert');
    expect(other.hint).toContain('CN=test-client');
    const reversed = refusal({ cert: Buffer.concat([ca.cert, client.cert]), key: client.key });
    expect(reversed.hint).toBe('It belongs to certificate 2 in that file: put that one first, then its issuers.');
  });

  it.each([
    ['a private key', ca.key, 'it is a private key'],
    ['DER', new X509Certificate(ca.cert).raw, 'binary form'],
    ['damage in the second one', Buffer.concat([ca.cert, pem('CERTIFICATE')]), 'certificate 2 in it is damaged'],
  ])('--ca: %s', (_, file, words) => {
    expect(refusal({ ca: file }).message).toContain(`--ca cannot be used: `);
    expect(refusal({ ca: file }).message).toContain(words);
  });
});

describe('files that can be used', () => {
  it.each([
    ['as they are', client.cert, client.key],
    ['with the chain', Buffer.concat([client.cert, ca.cert]), client.key],
    ['in one file', Buffer.concat([client.key, client.cert]), Buffer.concat([client.key, client.cert])],
    ['after the parameters of the curve', client.cert, Buffer.concat([pem('EC PARAMETERS'), client.key])],
    ['with Windows line ends', Buffer.from(`${client.cert}`.replaceAll('\n', '\r\n')), client.key],
  ])('%s', (_, cert, keyFile) => {
    const files = readTlsFiles(connection('mqtts://h', { ca: ca.cert, cert, key: keyFile }));
    expect(files.context()).toBe(files.context());
    expect(files.clientDoubt(Date.now())).toBe(null);
  });

  it('knows why a client certificate may be refused', () => {
    const doubt = (pair: typeof client, now = Date.now()) =>
      readTlsFiles(connection('mqtts://h', pair)).clientDoubt(now);
    expect(doubt(expired)).toMatch(/^it expired on /);
    expect(doubt(client, 0)).toMatch(/^it is not valid before /);
    expect(doubt(clientUse)).toBe(null);
  });
});
