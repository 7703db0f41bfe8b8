import { Chalk } from 'chalk';
import { PLAIN_STYLES, type Style, type Styles } from './styles.js';

/** @param color whether to colour at all; without it every style gives its text unchanged. */
export function stylesFor(color: boolean): Styles {
  if (!color) return PLAIN_STYLES;
  // The decision is made already: chalk's own detection looks at stdout, and at the arguments of the command line.
  // All are among a terminal's own 16 colours, so they follow its light or dark theme.
  const { green, red, yellow, cyan, dim, bold } = new Chalk({ level: 1 });
  return {
    good: fixed(green),
    bad: fixed(red),
    warn: fixed(yellow),
    busy: fixed(cyan),
    dim: fixed(dim),
    strong: fixed(bold),
    plain: PLAIN_STYLES.plain,
  };
}

// Styles are put on hundreds of short texts ten times a second, and never inside one another or over a line end, which
// is what chalk spends its time on.
function fixed(style: Style): Style {
  const [open = '', close = ''] = style('|').split('|');
  return (text) => (text === '' ? '' : open + text + close);
}
