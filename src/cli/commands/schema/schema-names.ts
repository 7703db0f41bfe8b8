export const SCHEMAS = ['manifest', 'events', 'report'] as const;
