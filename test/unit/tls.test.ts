import { connect, createServer, type TLSSocket } from 'node:tls';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { tlsFault, usualAuthorities } from '../../src/tls.js';
import { makeCertificates } from '../helpers/certificates.js';

function failing(code: string, message = code, more: object = {}): Error {
  return Object.assign(new Error(message), { code, ...more });
}

const certificates = makeCertificates();

/** The error of a client at a server with `certificate`. */
async function handshake(certificate: { cert: Buffer; key: Buffer }, ca?: Buffer): Promise<unknown> {
  const server = createServer({ ...certificate, ciphers: 'DEFAULT@SECLEVEL=0' }).on('tlsClientError', () => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  let client: TLSSocket | undefined;
  try {
    return await new Promise((resolve) => {
      client = connect({ port, host: '127.0.0.1', servername: 'localhost', ca }, () => resolve(null));
      client.on('error', resolve);
    });
  } finally {
    client?.destroy();
    server.close();
  }
}

describe('tlsFault', () => {
  it.each([
    ['expired', 'ca', /has expired/],
    ['wrongHost', 'ca', /for another host: .*broker\.example/],
    ['clientUse', 'ca', /not made for a server/],
    ['weak', 'ca', /outdated algorithm/],
    ['server', undefined, /not signed by a known authority \(UNABLE_TO_\w+\)/],
    ['foreignClient', 'ca', /./],
  ] as const)('real handshake, certificate %s, authority %s', async (which, ca, words) => {
    const error = await handshake(certificates[which], ca && certificates[ca].cert);
    expect(tlsFault(error, 'broker')).toMatchObject({ kind: 'server certificate', why: expect.stringMatching(words) });
  });

  it('no fault where the handshake succeeds', async () => {
    expect(await handshake(certificates.server, certificates.ca.cert)).toBe(null);
  });

  it('treats every verifier error as final, including unknown ones', () => {
    // Node creates these errors with only a code.
    const code = fc.stringMatching(/^[A-Z]{2,8}(_[A-Z]{2,8}){1,3}$/);
    fc.assert(
      fc.property(code, fc.string(), (name, words) => {
        fc.pre(!/^(ERR|UND_ERR|WS_ERR|HPE|ABORT)_/.test(name));
        expect(tlsFault(failing(name, words), 'server')?.kind).toBe('server certificate');
      }),
    );
    expect(tlsFault(failing('UNSPECIFIED', 'excluded subtree violation'), 'server')?.why).toBe(
      "the server's certificate was refused: excluded subtree violation",
    );
  });

  it('reads the reason of an error that a write meets, and looks into what wraps an error', () => {
    const message = 'write EPROTO 80:error:0A00010B:SSL routines:ssl3_get_record:wrong version number:a.c:1:';
    const error = failing('EPROTO', message, { syscall: 'write', errno: -71 });
    expect(tlsFault(error, 'broker')?.kind).toBe('no TLS');
    const inside = failing('CERT_HAS_EXPIRED');
    const wrapped = Object.assign(new Error('proxy', { cause: inside }), { code: 'UND_ERR_PRX_TLS' });
    expect(tlsFault(wrapped, 'server')?.why).toContain('has expired');
  });

  it.each([
    failing('ECONNREFUSED', 'x', { syscall: 'connect' }),
    failing('ECONNRESET', 'Client network socket disconnected before secure TLS connection was established'),
    failing('EAI_AGAIN', 'x', { syscall: 'getaddrinfo' }),
    failing('EPROTO', 'write EPROTO', { syscall: 'write' }),
    failing('UND_ERR_CONNECT_TIMEOUT'),
    failing('HPE_INVALID_CONSTANT'),
    failing('WS_ERR_EXPECTED_MASK'),
    failing('ERR_STREAM_PREMATURE_CLOSE'),
    failing('ABORT_ERR'),
    failing('ERR_SSL_SSLV3_ALERT_BAD_RECORD_MAC'),
    failing('ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR'),
    new Error('Unexpected server response: 404'),
    'text',
    null,
  ])('%s: no word of TLS that would last', (error) => {
    expect(tlsFault(error, 'server')).toBe(null);
  });
});

describe('usualAuthorities', () => {
  it('holds those of Node, and is read once', () => {
    const usual = usualAuthorities();
    expect(usual.length).toBeGreaterThan(50);
    expect(usualAuthorities()).toBe(usual);
  });
});
