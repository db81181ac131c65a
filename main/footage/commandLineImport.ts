import type { CommandLineImportEvent, ImportEvent } from '../../preload/contract/footage.ts';
import { errorDataFrom } from '../../preload/contract/errors.ts';
import type { FootageId } from '../../preload/contract/ids.ts';
import { Broadcast } from '../broadcast.ts';
import type { Log } from '../ports.ts';

export interface CommandLineImportOptions {
  readonly importFootage: (paths: readonly string[]) => AsyncIterable<ImportEvent>;
  readonly analyse: (footageIds: readonly FootageId[]) => Promise<unknown>;
  readonly log: Log;
  /** Aborts when the case is closed. */
  readonly closing: AbortSignal;
}

/**
 * Adds what the app was started with. Nobody on the screen asked for it, and a page may come after it is over: what
 * became of each file is kept for every page that asks, as long as the case is open.
 */
export class CommandLineImport {
  readonly #options: CommandLineImportOptions;
  readonly #news = new Broadcast<CommandLineImportEvent>();
  readonly #past: CommandLineImportEvent[] = [];
  /** What is being done at the moment. */
  #step: CommandLineImportEvent | null = null;
  #last: Promise<void> = Promise.resolve();

  constructor(options: CommandLineImportOptions) {
    this.#options = options;
  }

  /**
   * Adds files and folders, after those given before, and queues an analysis of what was new. Closing the case ends it
   * silently.
   * @throws what stopped it, which every page is told as well
   */
  run(paths: readonly string[]): Promise<void> {
    this.#last = this.#last.catch(() => undefined).then(() => this.#run(paths));
    return this.#last;
  }

  /** What became of each file so far, then on while the case is open. */
  async *follow(signal?: AbortSignal): AsyncGenerator<CommandLineImportEvent> {
    const { closing } = this.#options;
    if (closing.aborted) return;
    const news = this.#news.subscribe(signal === undefined ? closing : AbortSignal.any([signal, closing]));
    try {
      yield* [...this.#past, ...(this.#step === null ? [] : [this.#step])];
      yield* news;
    } catch (thrown) {
      if (!closing.aborted) throw thrown;
    } finally {
      await news.return(undefined);
    }
  }

  async #run(paths: readonly string[]): Promise<void> {
    const footageIds: FootageId[] = [];
    try {
      for await (const event of this.#options.importFootage(paths)) {
        this.#tell(event);
        if (event.kind === 'added') footageIds.push(event.footage.footageId);
        else if (event.kind === 'refused') this.#options.log('warn', 'import', event.error.message);
        else if (event.kind === 'duplicate') this.#options.log('info', 'import', event.message);
      }
      if (footageIds.length > 0) await this.#options.analyse(footageIds);
    } catch (thrown) {
      if (this.#options.closing.aborted) return;
      this.#tell({ kind: 'stopped', error: errorDataFrom(thrown) });
      throw thrown;
    }
  }

  #tell(event: CommandLineImportEvent): void {
    const isStep = event.kind === 'scanning' || event.kind === 'hashing';
    this.#step = isStep ? event : null;
    if (!isStep) this.#past.push(event);
    this.#news.publish(event);
  }
}
