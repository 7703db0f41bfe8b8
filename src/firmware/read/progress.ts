/** The progress of reading a firmware file, in bytes and milliseconds. */
export interface Reading {
  file_name: string;
  read: number;
  /** Null if not known. */
  total: number | null;
  /** Milliseconds since the start. */
  elapsed: number;
  done: boolean;
}
