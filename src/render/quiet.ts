import { safeText } from '../text.js';
import { explain, needsLook, outcomeText } from './device-states.js';
import { errorLines } from './error-lines.js';
import type { Renderer } from './renderer.js';
import type { OutputStream } from './terminal/stream.js';
import type { Styles } from './terminal/styles.js';

/** Writes only errors, to stderr: those of the program, and one line for each device that did not end well. */
export function quietRenderer(options: { stderr: OutputStream; styles: Styles; simulated: boolean }): Renderer {
  const { stderr, styles, simulated } = options;
  return {
    event(event) {
      if (event.event === 'error') stderr.write(`${errorLines(event, styles)}\n`);
      else if (event.event === 'device_finished' && needsLook(event)) {
        const name = `${safeText(event.sn ?? 'device', 64)} on gateway ${safeText(event.pid, 64)}`;
        const code = event.result ? ` (${event.result})` : '';
        const why = explain(event, simulated);
        stderr.write(`${styles.bad('error:')} ${name}: ${outcomeText(event)}${code}${why ? `: ${why}` : ''}\n`);
      }
    },
    phase() {},
    reading() {},
    view() {},
    note() {},
    close() {},
  };
}
