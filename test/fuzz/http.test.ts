/** Responses of firmware servers, damaged in every way: a download ends with the file or with an error that can be shown. */
import { type AddressInfo, createServer } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type HttpClient, httpClient } from '../../src/firmware/http/client.js';
import { download } from '../../src/firmware/http/download.js';
import { DownloadError } from '../../src/firmware/http/errors.js';
import { askRemote } from '../../src/firmware/http/remote-file.js';
import { cases, damage, patience } from '../helpers/damage.js';
import { bytesOf, hastyClock } from '../helpers/firmware-tools.js';

const BODY = bytesOf(300);
const HEADERS = 'ETag: "v1"\r\nLast-Modified: Mon, 01 Jan 2024 00:00:00 GMT\r\nConnection: close\r\n';
const whole = (more: string, body: Buffer) => Buffer.concat([Buffer.from(`HTTP/1.1 ${more}\r\n${HEADERS}\r\n`), body]);
const chunks = Buffer.concat([Buffer.from('12c\r\n'), BODY, Buffer.from('\r\n0\r\n\r\n')]);
const ANSWERS = [
  whole('200 OK\r\nContent-Length: 300', BODY),
  whole('200 OK\r\nTransfer-Encoding: chunked', chunks),
  whole('206 Partial Content\r\nContent-Length: 100\r\nContent-Range: bytes 200-299/300', BODY.subarray(200)),
  whole('302 Found\r\nLocation: /固件/x.zip?a=b#c\r\nContent-Length: 0', Buffer.alloc(0)),
  whole('503 Busy\r\nRetry-After: 1\r\nContent-Length: 4', Buffer.from('busy')),
  whole('416 Range Not Satisfiable\r\nContent-Range: bytes */300\r\nContent-Length: 0', Buffer.alloc(0)),
];

let answers: Buffer[] = [];
const server = createServer((socket) => {
  socket.on('error', () => {});
  // The last response is repeated.
  socket.once('data', () => socket.end((answers.length > 1 ? answers.shift() : answers[0]) ?? ''));
});
let url: string;
let client: HttpClient;
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/fw.zip`;
  client = httpClient({ env: {}, silence: 2000 });
});
afterAll(async () => {
  await client.close();
  server.close();
});

const answer = fc.oneof(
  fc.constantFrom(...ANSWERS),
  fc.tuple(fc.constantFrom(...ANSWERS), damage).map(([bytes, change]) => change(bytes)),
);

test(
  'a damaged answer: the whole file, once and in order, or words that can be shown',
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(answer, { minLength: 1, maxLength: 5 }), fc.boolean(), async (some, known) => {
        answers = [...some];
        let read = 0;
        const sink = {
          write(chunk: Buffer) {
            read += chunk.length;
            return undefined;
          },
          restart() {
            read = 0;
          },
        };
        const limits = known ? { expectedSize: 300 } : { maxSize: 1000 };
        const result = await download(client, url, sink, { clock: hastyClock(), ...limits }).catch((error) => error);
        expect(read).toBeLessThanOrEqual(known ? 300 : 1000);
        if (!(result instanceof Error)) {
          expect(result.size).toBe(read);
          return;
        }
        expect(result).toBeInstanceOf(DownloadError);
        expect(result.message).toMatch(/^[^\p{Cc}\u202e]{5,900}$/u);
      }),
      cases(0.02),
    );
  },
  patience(0.2),
);

test(
  'a damaged answer to the question for the first byte: what a server says, or an error',
  async () => {
    await fc.assert(
      fc.asyncProperty(answer, async (bytes) => {
        answers = [bytes];
        const look = await askRemote(client, url).catch((error) => error);
        if (look instanceof Error) return;
        expect(look.content.words).toMatch(/^[^\p{Cc}\u202e]+$/u);
        if (look.file.size !== null) expect(Number.isSafeInteger(look.file.size)).toBe(true);
      }),
      cases(0.02),
    );
  },
  patience(0.2),
);
