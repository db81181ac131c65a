import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { utilityProcess } from 'electron';
import type { UtilityProcess } from 'electron';
import { isFromAnalyzer } from '../analyzer/messages.ts';
import type { AnalyzerProcess, Log } from '../ports.ts';

/** Time to leave by itself before it is killed: one inference of the slowest model, and its ffmpeg. */
const KILL_AFTER_MS = 5000;

/** Built entry files of the analyzer process and of the thread it starts. */
export interface AnalyzerEntries {
  readonly processPath: string;
  readonly decodeThreadUrl: URL;
}

/**
 * Forks the analyzer as an Electron utility process (the `RunAsNode` fuse is off, so `child_process.fork` is not to be
 * had). Its stderr goes into the log line by line. `kill()` asks first and kills five seconds later.
 */
export function forkAnalyzer(entries: AnalyzerEntries, log: Log): AnalyzerProcess {
  const child = utilityProcess.fork(entries.processPath, [entries.decodeThreadUrl.href], {
    serviceName: 'Sightline analyzer',
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  logLines(child, log);
  const exit = Promise.withResolvers<{ code: number | null; signal: string | null }>();
  child.once('exit', (code) => exit.resolve({ code, signal: null }));
  child.on('error', (type, location) => log('error', 'analyzer', `${type} at ${location}`));
  return {
    send: (message) => child.postMessage(message),
    onMessage: (listener) =>
      void child.on('message', (message: unknown) => {
        if (isFromAnalyzer(message)) listener(message);
      }),
    onExit: (listener) => void exit.promise.then(listener),
    kill: () => {
      child.postMessage({ kind: 'exit' });
      const timer = setTimeout(() => child.kill(), KILL_AFTER_MS);
      child.once('exit', () => clearTimeout(timer));
    },
  };
}

function logLines(child: UtilityProcess, log: Log): void {
  if (!(child.stderr instanceof Readable)) return;
  createInterface({ input: child.stderr }).on('line', (line) => log('warn', 'analyzer', line));
}
