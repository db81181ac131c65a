import { migration0001 } from './0001Case.ts';
import type { Migration } from './migration.ts';

/** Every step, oldest first. A new one is added at the end. */
export const MIGRATIONS: readonly Migration[] = [migration0001];
