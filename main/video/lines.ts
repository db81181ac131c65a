/** A line longer than this is handed on in pieces: a file can make ffmpeg print text without end. */
const MAX_LINE_CHARS = 65_536;

/** Cuts text that arrives in pieces into lines (LF, CRLF or CR), without their breaks; empty lines are left out. */
export interface LineSplitter {
  push(text: string): void;
  /** Hands on what came after the last break. */
  end(): void;
}

/** A {@link LineSplitter} that calls `onLine` for every line, in order. */
export function createLineSplitter(onLine: (line: string) => void): LineSplitter {
  let rest = '';
  const flush = (): void => {
    if (rest !== '') onLine(rest);
    rest = '';
  };
  return {
    push: (text) => {
      const lines = (rest + text).split(/\r\n|\n|\r/);
      rest = lines.pop() ?? '';
      for (const line of lines) if (line !== '') onLine(line);
      if (rest.length > MAX_LINE_CHARS) flush();
    },
    end: flush,
  };
}
