/** What the program's exit code says; the text of `--help` repeats it. */
export const EXIT = {
  ok: 0,
  /** Done, but something was refused or is incomplete; each is named. */
  incomplete: 1,
  usage: 2,
  failed: 3,
  /** Stopped by Ctrl+C; 128 + SIGINT, as shells have it. */
  interrupted: 130,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
