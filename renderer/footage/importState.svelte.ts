import { isAbort } from '../../preload/contract/errors.ts';
import type { ImportEvent } from '../../preload/contract/footage.ts';
import type { FootageId } from '../../preload/contract/ids.ts';
import type { Api } from '../api/connection.svelte.ts';
import { errorTextFromData } from '../api/errorWords.ts';
import { shellBridge } from '../api/wire.ts';
import type { DroppedFile } from './droppedFiles.ts';
import { receiveFile } from './receiveFile.ts';

/** One line of the report: a file and what became of it. */
export interface ImportLine {
  readonly path: string;
  readonly outcome: 'added' | 'duplicate' | 'refused';
  readonly text: string;
}

/** What the import is doing right now. */
export interface ImportActivity {
  readonly text: string;
  readonly path: string;
  /** Null while it cannot be told. */
  readonly doneFrac: number | null;
}

type ImportWork = (signal: AbortSignal) => Promise<void>;

/** Adding footage: one import after the other, and their report until the person dismisses it. */
export class ImportState {
  activity = $state.raw<ImportActivity | null>(null);
  lines = $state.raw<readonly ImportLine[]>([]);
  addedIds = $state.raw<readonly FootageId[]>([]);
  /** The import ended before everything was looked at: by the person, or because something broke. */
  wasCutShort = $state(false);
  readonly isRunning = $derived(this.activity !== null);
  readonly #api: Api;
  readonly #onError: (thrown: unknown) => void;
  #controller: AbortController | null = null;
  /** What was asked for while an import was under way. */
  #waiting: ImportWork[] = [];

  constructor(api: Api, onError: (thrown: unknown) => void) {
    this.#api = api;
    this.#onError = onError;
  }

  /** Imports files and folders of the machine the host runs on. */
  async importPaths(paths: readonly string[]): Promise<void> {
    if (paths.length === 0) return;
    await this.#run(async (signal) => this.#importEach(paths, signal));
  }

  /**
   * Imports what was dropped: by path in the desktop window; in a browser one after the other, each file copied and
   * decided on before the next, so that little is copied for nothing when the person stops it.
   */
  async importDropped(files: readonly DroppedFile[]): Promise<void> {
    if (files.length === 0) return;
    const bridge = shellBridge();
    if (bridge !== null) {
      await this.importPaths(files.map(({ file }) => bridge.pathForFile(file)).filter((path) => path !== ''));
      return;
    }
    await this.#run(async (signal) => {
      for (const dropped of files) {
        const path = await this.#receive(dropped, signal);
        if (path !== null) await this.#importEach([path], signal);
      }
    });
  }

  cancel(): void {
    this.#waiting = [];
    this.#controller?.abort();
  }

  dismiss(): void {
    this.lines = [];
    this.addedIds = [];
    this.wasCutShort = false;
  }

  async #run(work: ImportWork): Promise<void> {
    this.#waiting.push(work);
    if (this.isRunning) return;
    this.dismiss();
    this.activity = { text: 'Looking for video', path: '', doneFrac: null };
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift())
      await this.#attempt(next);
    this.activity = null;
  }

  async #attempt(work: ImportWork): Promise<void> {
    this.#controller = new AbortController();
    try {
      await work(this.#controller.signal);
    } catch (thrown) {
      this.wasCutShort = true;
      if (!isAbort(thrown)) this.#onError(thrown);
    }
  }

  async #receive(dropped: DroppedFile, signal: AbortSignal): Promise<string | null> {
    const onProgress = (doneFrac: number): void => {
      this.activity = { text: 'Copying into the case', path: dropped.file.name, doneFrac };
    };
    try {
      return await receiveFile(dropped, { onProgress, signal });
    } catch (thrown) {
      if (isAbort(thrown)) throw thrown;
      const text = thrown instanceof Error ? thrown.message : String(thrown);
      this.lines = [...this.lines, { path: dropped.file.name, outcome: 'refused', text }];
      return null;
    }
  }

  async #importEach(paths: readonly string[], signal: AbortSignal): Promise<void> {
    for await (const event of await this.#api.footage.import({ paths: [...paths] }, { signal }))
      this.#take(event);
  }

  #take(event: ImportEvent): void {
    switch (event.kind) {
      case 'scanning':
        this.activity = { text: 'Looking for video', path: event.path, doneFrac: null };
        break;
      case 'hashing':
        this.activity = {
          text: 'Reading and hashing',
          path: event.path,
          doneFrac: event.totalBytes === 0 ? null : event.doneBytes / event.totalBytes,
        };
        break;
      case 'added':
        this.addedIds = [...this.addedIds, event.footage.footageId];
        this.#addLine(event.path, 'added', `Camera ${event.footage.camera}`);
        break;
      case 'duplicate':
        this.#addLine(event.path, 'duplicate', event.message);
        break;
      case 'refused': {
        const { title, detail } = errorTextFromData(event.error);
        this.#addLine(event.path, 'refused', detail === '' ? title : `${title}. ${detail}`);
        break;
      }
      case 'finished':
        break;
    }
  }

  #addLine(path: string, outcome: ImportLine['outcome'], text: string): void {
    this.lines = [...this.lines, { path, outcome, text }];
  }
}
