import type { OutputStream } from '../terminal/stream.js';

/**
 * Ctrl-Z: gives the terminal back before the program is stopped, and draws again when it goes on. Without this the shell
 * would come up amid the bars and without a cursor.
 * @returns what ends this.
 */
export function onSuspend(stream: OutputStream, run: { before: () => void; after: () => void }): () => void {
  // Only the real terminal sends signals, and Windows has none of these.
  if ((stream as unknown) !== process.stderr || process.platform === 'win32') return () => {};
  const stop = () => {
    run.before();
    // The default action, which our listener has replaced.
    process.kill(process.pid, 'SIGSTOP');
  };
  process.on('SIGTSTP', stop);
  process.on('SIGCONT', run.after);
  return () => {
    process.off('SIGTSTP', stop);
    process.off('SIGCONT', run.after);
  };
}
