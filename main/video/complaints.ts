const MOST_COMPLAINTS = 20;
const MAX_COMPLAINT_CHARS = 300;
const COMPLAINT = /^(?:\[(\S+) @ [^\]]*\] )?\[(?:error|fatal)\] (.*)$/;

/** Collects ffmpeg's errors as sentences for a person: without addresses, each once, the first few. */
export class Complaints {
  readonly #texts = new Set<string>();

  read(stderrLine: string): void {
    if (this.#texts.size >= MOST_COMPLAINTS) return;
    const match = COMPLAINT.exec(stderrLine);
    if (match === null) return;
    const [, part, text = ''] = match;
    this.#texts.add(
      `${part === undefined || part === 'NULL' ? '' : `${part}: `}${text}`.slice(0, MAX_COMPLAINT_CHARS),
    );
  }

  list(): string[] {
    return [...this.#texts];
  }
}
