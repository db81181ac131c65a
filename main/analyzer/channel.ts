import type { FromAnalyzer, ToAnalyzer } from './messages.ts';

/** The analyzer's end of its line to whoever forked it. */
export interface Channel {
  send(message: FromAnalyzer): void;
  onMessage(listener: (message: ToAnalyzer) => void): void;
  /** The other side is gone: nobody will store what we find. */
  onClose(listener: () => void): void;
}

/** What Electron's `process.parentPort` is, as far as we use it. */
interface UtilityPort {
  postMessage(message: unknown): void;
  on(event: 'message', listener: (event: { data: unknown }) => void): void;
}

/**
 * The channel of this process: `process.parentPort` in an Electron utility process, the IPC channel of
 * `child_process.fork` (advanced serialisation) under Node.
 * @throws Error when the process was started by hand, with neither.
 */
export function openChannel(): Channel {
  const port: unknown = Reflect.get(process, 'parentPort');
  return isUtilityPort(port) ? utilityChannel(port) : forkChannel();
}

function utilityChannel(port: UtilityPort): Channel {
  return {
    send: (message) => port.postMessage(message),
    onMessage: (listener) =>
      port.on('message', ({ data }) => {
        if (isToAnalyzer(data)) listener(data);
      }),
    // Electron ends a utility process with the app that forked it.
    onClose: () => undefined,
  };
}

function forkChannel(): Channel {
  if (process.send === undefined) throw new Error('The analyzer is started by Sightline, not by hand.');
  return {
    send: (message) => void process.send?.(message),
    onMessage: (listener) =>
      process.on('message', (message) => {
        if (isToAnalyzer(message)) listener(message);
      }),
    onClose: (listener) => process.on('disconnect', listener),
  };
}

function isUtilityPort(value: unknown): value is UtilityPort {
  return typeof value === 'object' && value !== null && 'postMessage' in value && 'on' in value;
}

function isToAnalyzer(value: unknown): value is ToAnalyzer {
  return typeof value === 'object' && value !== null && 'kind' in value && typeof value.kind === 'string';
}
