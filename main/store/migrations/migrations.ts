import { migration0001 } from './0001Case.ts';
import { migration0002 } from './0002DamagedCoverage.ts';
import { migration0003 } from './0003RunProvider.ts';
import { migration0004 } from './0004VideoStreams.ts';
import { migration0005 } from './0005PixelAspect.ts';
import type { Migration } from './migration.ts';

/** Every step, oldest first. A new one is added at the end. */
export const MIGRATIONS: readonly Migration[] = [
  migration0001,
  migration0002,
  migration0003,
  migration0004,
  migration0005,
];
