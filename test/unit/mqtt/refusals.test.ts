import { describe, expect, it } from 'vitest';
import { OtaError } from '../../../src/errors.js';
import { connackFailure, reasonWords, streamFailure } from '../../../src/mqtt/refusals.js';
import { readTarget } from '../../../src/mqtt/stream/target.js';
import { connection } from '../../helpers/broker-recorder.js';

const target = readTarget(connection('mqtts://broker.example'));
const login = { clientId: 'me', username: 'ota', password: 'secret' };

function failing(code: string, message = code): Error {
  return Object.assign(new Error(message), { code });
}

describe('connackFailure', () => {
  it.each([
    [1, 'version'],
    [2, 'refused'],
    [3, 'failed'],
    [4, 'refused'],
    [5, 'refused'],
    [0x84, 'version'],
    [0x85, 'refused'],
    [0x86, 'refused'],
    [0x87, 'refused'],
    [0x88, 'failed'],
    [0x89, 'failed'],
    [0x8a, 'refused'],
    [0x8c, 'refused'],
    [0x9d, 'refused'],
    [0x9f, 'failed'],
  ])('code %d: %s', (code, kind) => {
    expect(connackFailure(code, undefined, target, login).kind).toBe(kind);
  });

  it('hints at the client id where that is refused', () => {
    const failure = connackFailure(0x85, undefined, target, login);
    expect(failure).toMatchObject({ error: { hint: expect.stringMatching(/"me".*--client-id/) } });
  });

  it('does not show the token in a user name', () => {
    const failure = connackFailure(4, undefined, target, { ...login, username: 'ota?token=s3cret' });
    expect(failure).toMatchObject({ error: { hint: expect.stringContaining('"ota?***"') } });
    expect(JSON.stringify(failure)).not.toContain('s3cret');
  });

  it('bounds what the broker says, and shows no control characters', () => {
    const words = reasonWords(0x87, `\u001b[31m${'x'.repeat(1000)}`);
    expect(words).toContain('not authorized (code 0x87, the broker says: \\u{1b}[31mx');
    expect(words.length).toBeLessThan(200);
    expect(reasonWords(0xfe)).toBe('unknown reason (code 0xfe)');
  });
});

describe('streamFailure', () => {
  it.each([
    ['CERT_NOT_YET_VALID', /not valid yet/],
    ['SELF_SIGNED_CERT_IN_CHAIN', /known authority/],
    ['ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE', /requires a client certificate/],
    ['ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', /does not accept the client certificate/],
    ['ERR_SSL_UNSUPPORTED_PROTOCOL', /TLS failed/],
  ])('%s will not change', (code, words) => {
    const failure = streamFailure(failing(code), target, 'tcp');
    expect(failure).toMatchObject({ kind: 'refused', error: { message: expect.stringMatching(words) } });
    expect((failure as { error: unknown }).error).toBeInstanceOf(OtaError);
  });

  it('reads the reason of an error that a write meets', () => {
    const error = failing(
      'EPROTO',
      'write EPROTO 80:error:0A00010B:SSL routines:ssl3_get_record:wrong version number:a.c:1:',
    );
    expect(streamFailure(error, target, 'tcp')).toMatchObject({
      error: { message: 'mqtts://broker.example:8883: there is no TLS on this port' },
    });
  });

  it.each([
    ['ECONNREFUSED', 'nothing', 'failed'],
    ['ENOTFOUND', 'nothing', 'failed'],
    ['ECONNRESET', 'tcp', 'failed'],
    ['ECONNRESET', 'tls', 'failed'],
    ['ECONNRESET', 'all', 'dropped'],
    ['EPIPE', 'all', 'dropped'],
  ] as const)('%s (stands: %s): %s', (code, stage, kind) => {
    expect(streamFailure(failing(code), target, stage).kind).toBe(kind);
  });

  it.each([
    ['404', 'refused'],
    ['401', 'refused'],
    ['503', 'failed'],
    ['429', 'failed'],
  ])('HTTP %s: %s', (status, kind) => {
    expect(streamFailure(new Error(`Unexpected server response: ${status}`), target, 'tcp').kind).toBe(kind);
  });
});
