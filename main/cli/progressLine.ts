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
    this.#write(name, progress.doneFrac, progressText(name, progress));
  }

  /** Shows how much of a file has come. */
  showBytes(name: string, doneBytes: number, totalBytes: number): void {
    const doneFrac = doneBytes / totalBytes;
    const megabytes = `${(doneBytes / 1e6).toFixed(1)} of ${(totalBytes / 1e6).toFixed(1)} MB`;
    this.#write(name, doneFrac, `${barText(doneFrac)}  ${name}  ${megabytes}`);
  }

  /** Leaves the terminal's line free for other text. */
  clear(): void {
    if (this.#isTerminal) process.stderr.write('\r\u001B[K');
  }

  #write(name: string, doneFrac: number, text: string): void {
    if (this.#isTerminal) {
      process.stderr.write(`\r\u001B[K${text}`);
      return;
    }
    const tenth = Math.floor(doneFrac * 10);
    if (name === this.#name && tenth <= this.#tenth) return;
    this.#name = name;
    this.#tenth = tenth;
    process.stderr.write(`${text}\n`);
  }
}

function barText(doneFrac: number): string {
  const full = Math.round(doneFrac * BAR_CELLS);
  const bar = '█'.repeat(full) + '░'.repeat(BAR_CELLS - full);
  return `${bar} ${`${Math.floor(doneFrac * 100)} %`.padStart(5)}`;
}

function progressText(name: string, progress: RunProgress): string {
  const rate = progress.analysedFps === null ? '' : `  ${progress.analysedFps.toFixed(1)} frames/s`;
  const speed = progress.speedFactor === null ? '' : `  ${progress.speedFactor.toFixed(1)}x`;
  const eta = progress.etaSec === null ? '' : `  ${durationText(progress.etaSec * 1e6)} left`;
  return `${barText(progress.doneFrac)}  ${name}${rate}${speed}${eta}`;
}
