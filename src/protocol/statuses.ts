/** Mission statuses of `ota_create` replies and `ota_progress` (the seed's enum). */
export const STATUSES = ['sent', 'in_progress', 'paused', 'ok', 'rejected', 'failed', 'canceled', 'timeout'] as const;

const TERMINAL_STATUSES = ['ok', 'rejected', 'failed', 'canceled', 'timeout'] as const;
/** A status after which nothing follows. */
export type TerminalStatus = (typeof TERMINAL_STATUSES)[number];

const TERMINAL: ReadonlySet<string> = new Set(TERMINAL_STATUSES);

/** Whether `status` is terminal. A status that the seed does not list is not. */
export function isTerminal(status: string): status is TerminalStatus {
  return TERMINAL.has(status);
}

/** The two steps of an upgrade (the seed's `step_key`). */
export const STEPS = ['download_firmware', 'upgrade_firmware'] as const;
/** A step of an upgrade. */
export type Step = (typeof STEPS)[number];
