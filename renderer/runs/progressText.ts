import { durationText } from '../../preload/contract/time.ts';
import type { RunProgress, RunState } from '../../preload/contract/runs.ts';

/** `42 % · 18.3 frames/s · 3.1× · 2 min 05 s left`, as far as it is known. */
export function progressText(state: RunState, progress: RunProgress | undefined): string {
  if (progress === undefined)
    return state === 'paused' ? 'paused' : state === 'running' ? 'starting' : 'waiting';
  const parts = [`${Math.floor(progress.doneFrac * 100)} %`];
  if (progress.state === 'paused') return `${parts.join('')} · paused`;
  if (progress.state === 'queued') return 'waiting';
  if (progress.analysedFps !== null) parts.push(`${progress.analysedFps.toFixed(1)} frames/s`);
  if (progress.speedFactor !== null) parts.push(`${progress.speedFactor.toFixed(1)}×`);
  if (progress.etaSec !== null) parts.push(`${durationText(progress.etaSec * 1e6)} left`);
  return parts.join(' · ');
}
