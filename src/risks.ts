/**
 * The reasons for refusing a run before anything is published, which `--allow` turns into warnings (CONTRACT "Looking, waiting,
 * refusing").
 */
export const RISKS = ['version-mismatch', 'bad-package', 'model-mismatch', 'downgrade', 'split-pair'] as const;

/** A risk for which a run is refused unless `allow` contains it. */
export type Risk = (typeof RISKS)[number];

/** The hint after a refusal: how to continue in spite of the risk. */
export function allowHint(risk: Risk): string {
  return `(--allow ${risk} accepts that)`;
}
