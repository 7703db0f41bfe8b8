import { open } from 'node:fs/promises';
import type { HttpClient } from '../http/client.js';
import { DownloadError, showStatus } from '../http/errors.js';
import { contentRange, type RemoteFile, rangeGuard, remoteFile, sameRemoteFile } from '../http/remote-file.js';

/** Random access to the bytes of a local or remote file. */
export interface ByteSource {
  /** Bytes. */
  size: number;
  /** Fills `buffer` from `position`. The caller has checked that this range is inside the file. */
  read(buffer: Buffer, position: number): Promise<void>;
  close(): Promise<void>;
}

/** Opens the file at `path`. Rejects with Node's own errors. */
export async function fileSource(path: string): Promise<ByteSource> {
  const handle = await open(path, 'r');
  const { size } = await handle.stat();
  return {
    size,
    async read(buffer, position) {
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, position);
      if (bytesRead < buffer.length) throw new Error('the file became shorter while it was read');
    },
    close: () => handle.close(),
  };
}

/**
 * The file at `url`, with one request per read. `file`: what the server said about it. Rejects as the client does, or with
 * {@link DownloadError}.
 */
export function urlSource(client: HttpClient, url: string, file: RemoteFile & { size: number }): ByteSource {
  const guard = rangeGuard(file);
  return {
    size: file.size,
    async read(buffer, position) {
      const range = `bytes=${position}-${position + buffer.length - 1}`;
      const answer = await client.get(url, guard ? { range, 'if-range': guard } : { range });
      try {
        if (sameRemoteFile(file, remoteFile(answer)) === false) {
          throw new DownloadError('changed on the server while it was read');
        }
        if (answer.status === 200) throw new DownloadError('the server cannot send a part of a file');
        if (answer.status !== 206) throw new DownloadError(showStatus(answer.status));
        if (contentRange(answer.headers)?.start !== position) {
          throw new DownloadError('the server sent another range than the one asked for');
        }
        let filled = 0;
        for await (const chunk of answer.body as AsyncIterable<Buffer>) {
          filled += chunk.copy(buffer, filled);
          if (filled === buffer.length) break;
        }
        if (filled < buffer.length) throw new DownloadError('the connection was interrupted');
      } finally {
        answer.body.destroy();
      }
    },
    async close() {},
  };
}

/**
 * The first and last bytes of a download, kept while it passes: they contain a ZIP's directory, which then needs no request.
 */
interface Ends {
  write(chunk: Uint8Array): void;
  restart(): void;
  /** The first bytes so far. */
  head(): Buffer;
  /** The whole file of `size` bytes as a source. Bytes in between are read from `rest`, if given. */
  source(size: number, rest: ByteSource | null): ByteSource;
}

/** Keeps the first `headLength` and the last `length` bytes. */
export function endsOf(headLength: number, length: number): Ends {
  const first = Buffer.alloc(headLength);
  const ring = Buffer.alloc(length);
  let passed = 0;
  return {
    write(chunk) {
      if (passed < headLength) first.set(chunk.subarray(0, headLength - passed), passed);
      const kept = chunk.subarray(Math.max(0, chunk.length - length));
      let at = (passed + chunk.length - kept.length) % length;
      for (let done = 0; done < kept.length; ) {
        const piece = kept.subarray(done, done + length - at);
        ring.set(piece, at);
        done += piece.length;
        at = 0;
      }
      passed += chunk.length;
    },
    restart() {
      passed = 0;
    },
    head: () => first.subarray(0, passed),
    source(size, rest) {
      return {
        size,
        async read(buffer, position) {
          if (position + buffer.length <= Math.min(headLength, passed)) {
            first.copy(buffer, 0, position);
            return;
          }
          if (position < size - length) {
            if (!rest) throw new DownloadError('the server cannot send a part of a file');
            return rest.read(buffer, position);
          }
          for (let done = 0; done < buffer.length; ) {
            const at = (position + done) % length;
            done += ring.copy(buffer, done, at, Math.min(length, at + buffer.length - done));
          }
        },
        async close() {
          await rest?.close();
        },
      };
    },
  };
}
