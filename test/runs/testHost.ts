import { execFileSync } from 'node:child_process';
import { openHost } from '../../main/host.ts';
import type { SightlineHost } from '../../main/host.ts';
import { createNodePorts } from '../../main/loopback/nodePorts.ts';
import type { HostPorts } from '../../main/ports.ts';
import type { FootageId, RunId } from '../../preload/contract/ids.ts';
import type { Run, RunParameters, RunState } from '../../preload/contract/runs.ts';

/** Every frame at a size that takes a few ms. */
export const QUICK: RunParameters = {
  everyMs: null,
  storeMinScore: 0.02,
  motionGate: false,
  shortSidePx: 128,
  maxProposals: null,
};

/** A host of its own on a case of its own, with ports of the test's choosing. */
export async function openTestHost(options: {
  readonly folder: string;
  readonly caseFolder: string;
  readonly ports?: Partial<HostPorts>;
}): Promise<SightlineHost> {
  const log = (): void => undefined;
  const ports = createNodePorts({ hostReason: null, userData: options.folder, log });
  return openHost({ ...ports, ...options.ports }, { caseFolder: options.caseFolder });
}

/** Adds files; gives the ids of what was added. */
export async function addFootage(host: SightlineHost, paths: readonly string[]): Promise<FootageId[]> {
  const added: FootageId[] = [];
  for await (const event of host.session.footage.import({ paths })) {
    if (event.kind === 'refused') throw new Error(event.error.message);
    if (event.kind === 'added') added.push(event.footage.footageId);
  }
  return added;
}

/** Resolves with the run once it is in one of the states. */
export async function runReaches(
  host: SightlineHost,
  runId: RunId,
  states: readonly RunState[],
): Promise<Run> {
  for (;;) {
    const run = await host.session.runs.get({ runId });
    if (states.includes(run.state)) return run;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Runs the ffmpeg of PATH, quietly. */
export function ffmpeg(args: readonly string[]): void {
  execFileSync('ffmpeg', ['-nostdin', '-v', 'error', '-y', ...args]);
}
