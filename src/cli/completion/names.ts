/** Arguments that are one of a few words, for the commands that take them and for completion. Imports nothing. */

export const SHELLS = ['bash', 'zsh', 'fish'] as const;

export const SCHEMAS = ['manifest', 'events', 'report'] as const;
