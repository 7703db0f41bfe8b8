import { Chalk } from 'chalk';
import { PLAIN_STYLES, type Style, type Styles } from './styles.js';

/** The styles of a stream. @param color false = every style returns its text unchanged */
export function stylesFor(color: boolean): Styles {
  if (!color) return PLAIN_STYLES;
  // The level is set here, because chalk's own detection looks at stdout and at the command line arguments. All colours are
  // among the terminal's own 16, so they follow its light or dark theme.
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

// Styles are applied to hundreds of short texts ten times a second, and are never nested or multi-line, which is what chalk
// spends its time on.
function fixed(style: Style): Style {
  const [open = '', close = ''] = style('|').split('|');
  return (text) => (text === '' ? '' : open + text + close);
}
