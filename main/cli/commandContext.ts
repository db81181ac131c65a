import type { SightlineHost } from '../host.ts';
import type { Output } from './output.ts';

/** What every command is given. */
export interface CommandContext {
  readonly host: SightlineHost;
  readonly output: Output;
  /** Aborted by Ctrl+C. */
  readonly signal: AbortSignal;
}
