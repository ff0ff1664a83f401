import type { Check } from './checking-client.ts';
export const CONNECTION_CHECKS: Readonly<Record<string, Check>> = {};
