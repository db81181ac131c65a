import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { isFromAnalyzer } from '../analyzer/messages.ts';
import type { AnalyzerProcess, Log } from '../ports.ts';

/** Time to leave by itself after SIGTERM: one inference of the slowest model, and its ffmpeg. */
const KILL_AFTER_MS = 5000;

/** Entry files of the analyzer process and of the thread it starts. */
export interface AnalyzerEntries {
  readonly process: URL;
  readonly decodeThread: URL;
}

/**
 * Forks the analyzer under this Node with structured-clone messages. Its stderr goes into the log line by line.
 * `kill()` asks first and kills five seconds later. It dies with this process: Node ends a child whose IPC channel
 * is gone.
 */
export function forkAnalyzer(entries: AnalyzerEntries, log: Log): AnalyzerProcess {
  const child = fork(entries.process, [entries.decodeThread.href], {
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    // A group of its own: Ctrl+C in a terminal must not end its ffmpeg, which would look like the footage's end.
    detached: process.platform !== 'win32',
  });
  logLines(child, log);
  const exit = Promise.withResolvers<{ code: number | null; signal: string | null }>();
  child.once('exit', (code, signal) => exit.resolve({ code, signal }));
  child.on('error', (error) => {
    log('error', 'analyzer', `the analyzer process failed: ${error.message}`, error.stack);
    if (child.pid === undefined) exit.resolve({ code: null, signal: null });
  });
  return {
    send: (message) => {
      if (child.connected) child.send(message, () => undefined);
    },
    onMessage: (listener) =>
      child.on('message', (message: unknown) => {
        if (isFromAnalyzer(message)) listener(message);
      }),
    onExit: (listener) => void exit.promise.then(listener),
    kill: () => killInTime(child),
  };
}

function logLines(child: ChildProcess, log: Log): void {
  if (child.stderr === null) return;
  createInterface({ input: child.stderr }).on('line', (line) => log('warn', 'analyzer', line));
}

function killInTime(child: ChildProcess): void {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), KILL_AFTER_MS);
  timer.unref();
  child.once('exit', () => clearTimeout(timer));
}
