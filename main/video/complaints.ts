import { hasOthers } from './videoSource.ts';
import type { VideoSource } from './videoSource.ts';

const MOST_COMPLAINTS = 20;
const MAX_COMPLAINT_CHARS = 300;
const COMPLAINT = /^(?:\[(\S+) @ [^\]]*\] )?\[(?:error|fatal)\] (.*)$/;

/** Where ffmpeg has opened the file and says what is in it, and as what it reads it. */
const OPENED = /Input #0, ([\w,]+), from '/;

/**
 * Collects ffmpeg's errors as sentences for a person: without addresses, each once, the first few. While it opens a
 * file, ffmpeg decodes a little of all its streams and does not say which one a complaint is about: of a file with
 * several, only what is said of the file itself counts until then. Decoding the stream says the rest again.
 */
export class Complaints {
  readonly #texts = new Set<string>();
  /** Complaints with the part of ffmpeg they are from, while the file is being opened; null when they count at once. */
  #opening: { readonly part: string; readonly line: string }[] | null;

  constructor(source: Pick<VideoSource, 'videoStreams'>) {
    this.#opening = hasOthers(source) ? [] : null;
  }

  read(stderrLine: string): void {
    const demuxer = this.#opening === null ? undefined : OPENED.exec(stderrLine)?.[1];
    if (demuxer !== undefined) this.#endOpening(demuxer);
    const match = COMPLAINT.exec(stderrLine);
    if (match === null) return;
    if (this.#opening === null) this.#add(match);
    else if (this.#opening.length < MOST_COMPLAINTS)
      this.#opening.push({ part: match[1] ?? '', line: stderrLine });
  }

  #endOpening(demuxer: string | null): void {
    const ofFile = (this.#opening ?? []).filter(
      ({ part }) => demuxer === null || ['', 'NULL', demuxer].includes(part),
    );
    this.#opening = null;
    for (const { line } of ofFile) this.read(line);
  }

  #add([, part, text = '']: RegExpExecArray): void {
    if (this.#texts.size >= MOST_COMPLAINTS) return;
    const from = part === undefined || part === 'NULL' ? '' : `${part}: `;
    // They are put into sentences that end by themselves.
    this.#texts.add(`${from}${text.replace(/[.\s]+$/, '')}`.slice(0, MAX_COMPLAINT_CHARS));
  }

  list(): string[] {
    // A file that does not even open says why.
    if (this.#opening !== null) this.#endOpening(null);
    return [...this.#texts];
  }
}
