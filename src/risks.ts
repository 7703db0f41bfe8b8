/** What refuses a run before anything is published, and what `--allow` turns into a warning (CONTRACT "Looking, waiting, refusing"). */
export const RISKS = ['version-mismatch', 'bad-package', 'model-mismatch', 'downgrade', 'split-pair'] as const;

/** What a run is refused for unless `allow` names it. */
export type Risk = (typeof RISKS)[number];

/** What follows a reason that is refused: how to continue despite of it. */
export function allowHint(risk: Risk): string {
  return `(--allow ${risk} accepts that)`;
}
