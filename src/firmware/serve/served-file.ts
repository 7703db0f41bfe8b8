import type { FileProof } from '../digest/file.js';

/** A file that docks may download. */
export interface ServedFile {
  /** Absolute path. */
  file: string;
  file_name: string;
  /** Bytes. */
  file_size: number;
  /** Lower-case hex. */
  md5: string;
  /** Proves that the file is as it was when it was digested. Without it only the size is compared. */
  proof?: FileProof | null | undefined;
  /** The only device that the file is for. Its URL is not given to any other device. */
  sn?: string | undefined;
  /** The path of its URL if a dock was given one before; otherwise a new one is made. */
  path?: string | undefined;
}

/** The progress of one download. */
export interface Transfer {
  /** Absolute path. */
  file: string;
  /** The device whose URL it is; null = the file has one URL for all devices. */
  sn: string | null;
  /** The address of the client. */
  remote: string;
  /** Identifies this download on this server. */
  id: number;
  /** The offset in the file up to which it was sent. A resumed download does not begin at 0. */
  bytes: number;
  /** Size of the file. */
  total: number;
  /** The download is over, complete or not. */
  done: boolean;
}
