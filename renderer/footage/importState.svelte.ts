import { errorFromData, isAbort } from '../../preload/contract/errors.ts';
import type { CommandLineImportEvent, ImportEvent } from '../../preload/contract/footage.ts';
import type { FootageId } from '../../preload/contract/ids.ts';
import type { Api } from '../api/connection.svelte.ts';
import { errorTextFromData } from '../api/errorWords.ts';
import { shellBridge } from '../api/wire.ts';
import type { DroppedFile } from './droppedFiles.ts';
import { receiveFile } from './receiveFile.ts';

/** One line of the report: a file and what became of it. */
export interface ImportLine {
  readonly path: string;
  /** Which video stream of the file, from 0; null where it has one, or was refused as a whole. */
  readonly videoStream: number | null;
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

interface ImportReport {
  readonly activity: ImportActivity | null;
  readonly lines: readonly ImportLine[];
}

const NOTHING_DONE: ImportReport = { activity: null, lines: [] };

type ImportWork = (signal: AbortSignal) => Promise<void>;

/** Adding footage: one import after the other, and their report until the person dismisses it. */
export class ImportState {
  addedIds = $state.raw<readonly FootageId[]>([]);
  /** The import ended before everything was looked at: by the person, or because something broke. */
  wasCutShort = $state(false);
  #own = $state.raw<ImportReport>(NOTHING_DONE);
  /** What the app was started with: the host adds it, and only says what becomes of it. */
  #commandLine = $state.raw<ImportReport>(NOTHING_DONE);
  readonly activity = $derived(this.#own.activity ?? this.#commandLine.activity);
  readonly lines = $derived([...this.#commandLine.lines, ...this.#own.lines]);
  readonly isRunning = $derived(this.activity !== null);
  /** An import that was asked for on this page. */
  readonly canStop = $derived(this.#own.activity !== null);
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

  /** What the app was started with is told from its beginning again. */
  forgetCommandLine(): void {
    this.#commandLine = NOTHING_DONE;
  }

  /** Follows what the app was started with; where all of it is in the case nothing need be said once it is over. */
  readonly takeCommandLine = (event: CommandLineImportEvent): void => {
    if (event.kind === 'stopped') {
      this.wasCutShort = true;
      this.#commandLine = { ...this.#commandLine, activity: null };
      this.#onError(errorFromData(event.error));
      return;
    }
    this.#commandLine = afterEvent(this.#commandLine, event);
    const isAllIn = this.#commandLine.lines.every(({ outcome }) => outcome !== 'refused');
    if (event.kind === 'finished' && isAllIn) this.forgetCommandLine();
  };

  cancel(): void {
    this.#waiting = [];
    this.#controller?.abort();
  }

  dismiss(): void {
    this.#own = { ...this.#own, lines: [] };
    this.#commandLine = { ...this.#commandLine, lines: [] };
    this.addedIds = [];
    this.wasCutShort = false;
  }

  async #run(work: ImportWork): Promise<void> {
    this.#waiting.push(work);
    if (this.canStop) return;
    this.dismiss();
    this.#own = { ...this.#own, activity: { text: 'Looking for video', path: '', doneFrac: null } };
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift())
      await this.#attempt(next);
    this.#own = { ...this.#own, activity: null };
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
      const activity = { text: 'Copying into the case', path: dropped.file.name, doneFrac };
      this.#own = { ...this.#own, activity };
    };
    try {
      return await receiveFile(dropped, { onProgress, signal });
    } catch (thrown) {
      if (isAbort(thrown)) throw thrown;
      const text = thrown instanceof Error ? thrown.message : String(thrown);
      this.#own = withLine(this.#own, {
        path: dropped.file.name,
        videoStream: null,
        outcome: 'refused',
        text,
      });
      return null;
    }
  }

  async #importEach(paths: readonly string[], signal: AbortSignal): Promise<void> {
    for await (const event of await this.#api.footage.import({ paths: [...paths] }, { signal }))
      this.#take(event);
  }

  #take(event: ImportEvent): void {
    if (event.kind === 'added') this.addedIds = [...this.addedIds, event.footage.footageId];
    const { activity } = this.#own;
    const after = afterEvent(this.#own, event);
    // Ours goes on until the last of what was asked for.
    this.#own = { ...after, activity: after.activity ?? activity };
  }
}

function withLine(report: ImportReport, line: ImportLine): ImportReport {
  return { ...report, lines: [...report.lines, line] };
}

/** A report after one more event of its import. */
function afterEvent(report: ImportReport, event: ImportEvent): ImportReport {
  switch (event.kind) {
    case 'scanning':
      return { ...report, activity: { text: 'Looking for video', path: event.path, doneFrac: null } };
    case 'hashing': {
      const doneFrac = event.totalBytes === 0 ? null : event.doneBytes / event.totalBytes;
      return { ...report, activity: { text: 'Reading and hashing', path: event.path, doneFrac } };
    }
    case 'added': {
      const { camera, videoStreams } = event.footage;
      const videoStream = videoStreams > 1 ? event.footage.videoStream : null;
      return withLine(report, { path: event.path, videoStream, outcome: 'added', text: `Camera ${camera}` });
    }
    case 'duplicate':
      return withLine(report, {
        ...{ path: event.path, videoStream: event.videoStream },
        ...{ outcome: 'duplicate', text: event.message },
      });
    case 'refused': {
      const { path, videoStream } = event;
      const { title, detail } = errorTextFromData(event.error);
      const text = detail === '' ? title : `${title}. ${detail}`;
      return withLine(report, { path, videoStream, outcome: 'refused', text });
    }
    case 'finished':
      return { ...report, activity: null };
  }
}
