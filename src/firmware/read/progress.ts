/** A firmware file that is being read, for the spinner. Bytes and milliseconds. */
export interface Reading {
  file_name: string;
  read: number;
  /** Null where it is not known. */
  total: number | null;
  /** Milliseconds since it was begun. */
  elapsed: number;
  done: boolean;
}
