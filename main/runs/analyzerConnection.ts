import type { FromAnalyzer, ToAnalyzer } from '../analyzer/messages.ts';
import type { AnalyzerProcess } from '../ports.ts';

/** What comes from an analyzer: its messages in order, and its end. */
export type AnalyzerEvent =
  FromAnalyzer | { readonly kind: 'exited'; readonly code: number | null; readonly signal: string | null };

/** An analyzer process as a queue that is read one event at a time. */
export class AnalyzerConnection {
  readonly #process: AnalyzerProcess;
  readonly #events: AnalyzerEvent[] = [];
  #wake: () => void = () => undefined;
  #hasExited = false;

  constructor(process: AnalyzerProcess) {
    this.#process = process;
    process.onMessage((message) => this.#push(message));
    process.onExit((exit) => {
      this.#hasExited = true;
      this.#push({ kind: 'exited', ...exit });
    });
  }

  get hasExited(): boolean {
    return this.#hasExited;
  }

  send(message: ToAnalyzer): void {
    if (!this.#hasExited) this.#process.send(message);
  }

  /** The next event; after `exited` there is none. */
  async next(): Promise<AnalyzerEvent> {
    for (;;) {
      const event = this.#events.shift();
      if (event !== undefined) return event;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  kill(): void {
    if (!this.#hasExited) this.#process.kill();
  }

  #push(event: AnalyzerEvent): void {
    this.#events.push(event);
    this.#wake();
  }
}
