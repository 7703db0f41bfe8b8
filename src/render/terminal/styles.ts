/** Applies one of the few colours in use; see chalk-styles.ts. */
export type Style = (text: string) => string;

/** The styles, by meaning. */
export interface Styles {
  good: Style;
  bad: Style;
  warn: Style;
  busy: Style;
  dim: Style;
  strong: Style;
  plain: Style;
}

const plain: Style = (text) => text;

/** Every style returns its text unchanged. */
export const PLAIN_STYLES: Styles = {
  good: plain,
  bad: plain,
  warn: plain,
  busy: plain,
  dim: plain,
  strong: plain,
  plain,
};
