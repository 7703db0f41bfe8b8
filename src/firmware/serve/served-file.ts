import type { FileProof } from '../digest/file.js';

/** A file that the docks may have. */
export interface ServedFile {
  /** Absolute path. */
  file: string;
  file_name: string;
  /** Bytes. */
  file_size: number;
  /** Lower-case hex. */
  md5: string;
  /** What proves that it is as it was when it was digested; without it, only its size is compared. */
  proof?: FileProof | null | undefined;
  /** The one device that it is for: it gets a URL of its own, which no other device knows. */
  sn?: string | undefined;
  /** The path of its URL, where a dock was told one before; else a new one. */
  path?: string | undefined;
}

/** How far one download is. */
export interface Transfer {
  /** Absolute path. */
  file: string;
  /** The device whose URL it is; null where the file has one for all. */
  sn: string | null;
  /** Address of the one who downloads. */
  remote: string;
  /** Names this download among all of this server. */
  id: number;
  /** The place in the file up to which it has been sent; a resumed download does not begin at 0. */
  bytes: number;
  /** Size of the file. */
  total: number;
  /** Nothing more comes of this download, whether it reached its end or broke off. */
  done: boolean;
}
