import type { OutputStream } from '../terminal/stream.js';

/**
 * Handles Ctrl-Z: restores the terminal before the program is stopped, and draws again when it continues. Otherwise the shell
 * would appear between the bars, without a cursor.
 * @returns a function that stops this
 */
export function onSuspend(stream: OutputStream, run: { before: () => void; after: () => void }): () => void {
  // Only a real terminal sends these signals, and Windows has none of them.
  if ((stream as unknown) !== process.stderr || process.platform === 'win32') return () => {};
  const stop = () => {
    run.before();
    // The default action, which this listener has replaced.
    process.kill(process.pid, 'SIGSTOP');
  };
  process.on('SIGTSTP', stop);
  process.on('SIGCONT', run.after);
  return () => {
    process.off('SIGTSTP', stop);
    process.off('SIGCONT', run.after);
  };
}
