import type { RunProgress } from '../../preload/contract/runs.ts';
import { durationText } from '../../preload/contract/time.ts';

const BAR_CELLS = 24;

/** Where a person watches, a bar that moves; where a file does, a line at each tenth. */
export class ProgressLine {
  readonly #isTerminal = process.stderr.isTTY;
  #tenth = -1;
  #name = '';

  /** Shows where the named clip's run stands. */
  show(name: string, progress: RunProgress): void {
    if (this.#isTerminal) {
      process.stderr.write(`\r\u001B[K${progressText(name, progress)}`);
      return;
    }
    const tenth = Math.floor(progress.doneFrac * 10);
    if (name === this.#name && tenth <= this.#tenth) return;
    this.#name = name;
    this.#tenth = tenth;
    process.stderr.write(`${progressText(name, progress)}\n`);
  }

  /** Leaves the terminal's line free for other text. */
  clear(): void {
    if (this.#isTerminal) process.stderr.write('\r\u001B[K');
  }
}

function progressText(name: string, progress: RunProgress): string {
  const full = Math.round(progress.doneFrac * BAR_CELLS);
  const bar = '█'.repeat(full) + '░'.repeat(BAR_CELLS - full);
  const percent = `${Math.floor(progress.doneFrac * 100)} %`.padStart(5);
  const rate = progress.analysedFps === null ? '' : `  ${progress.analysedFps.toFixed(1)} frames/s`;
  const speed = progress.speedFactor === null ? '' : `  ${progress.speedFactor.toFixed(1)}x`;
  const eta = progress.etaSec === null ? '' : `  ${durationText(progress.etaSec * 1e6)} left`;
  return `${bar} ${percent}  ${name}${rate}${speed}${eta}`;
}
