import type { RunId } from '../../preload/contract/ids.ts';
import type { Run } from '../../preload/contract/runs.ts';
import { mediaTimeText } from '../../preload/contract/time.ts';
import type { RunUpdate } from '../store/store.ts';
import type { StartedRun } from './runAttempt.ts';

/**
 * Which provider each run is to try, and what it keeps of the one that ran. A provider that takes the analyzer down is
 * not asked again: the run goes on with the CPU, for a broken driver must not cost anybody their analysis.
 */
export class ProviderRecord {
  /** What a run of this process is told of the provider that crashed on it. */
  readonly #crashes = new Map<RunId, string>();
  readonly #onCpu = new Set<RunId>();

  /** In order of preference. */
  providersFor({ runId, wantedProvider }: Run): readonly string[] {
    return wantedProvider === 'cpu' || this.#crashes.has(runId) ? ['cpu'] : [wantedProvider, 'cpu'];
  }

  /** What the run keeps of how it runs from here on; `run` is as it was before. */
  ranFrom(run: Run, { provider, providerNotice, graphForm }: StartedRun): NonNullable<RunUpdate['ran']> {
    if (provider === 'cpu') this.#onCpu.add(run.runId);
    const { checkpointPtsUs } = run;
    const hasChanged = checkpointPtsUs !== null && run.provider !== null && run.provider !== provider;
    const notices = [
      ...(checkpointPtsUs === null ? [] : (run.providerNotice?.split(SEPARATOR) ?? [])),
      ...(hasChanged ? [`up to ${mediaTimeText(checkpointPtsUs)} it ran on ${run.provider}`] : []),
      this.#crashes.get(run.runId) ?? null,
      ...(providerNotice?.split(SEPARATOR) ?? []),
    ].filter((notice) => notice !== null);
    return {
      provider,
      graphForm,
      providerNotice: notices.length === 0 ? null : [...new Set(notices)].join(SEPARATOR),
    };
  }

  /** Notes that the analyzer crashed on a run; true when the run is to be tried again, on the CPU. */
  noteCrash({ runId, wantedProvider }: Run): boolean {
    if (wantedProvider === 'cpu' || this.#onCpu.has(runId) || this.#crashes.has(runId)) return false;
    const what = wantedProvider === 'automatic' ? 'an accelerator' : wantedProvider;
    this.#crashes.set(runId, `${what} made the analyzer crash`);
    return true;
  }
}

const SEPARATOR = '; ';
