import { randomBytes } from 'node:crypto';

/** Names a run: sorts by time, is short enough to type, and no two are alike: `20261124-081530-9f3ac2`. */
export function newRunId(wall: number): string {
  const [date = '', time = ''] = new Date(wall).toISOString().split('T');
  return `${date.replaceAll('-', '')}-${time.slice(0, 8).replaceAll(':', '')}-${randomBytes(3).toString('hex')}`;
}
