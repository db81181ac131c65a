import { guardMemory, MOST_OF_MEMORY_BYTES } from '../detect/memoryGuard.ts';
import { openChannel } from './channel.ts';
import { AnalyzerSession } from './session.ts';

// Entry file of the analyzer process. Its one argument is the URL of the decode thread's entry file.
const channel = openChannel();
const session = new AnalyzerSession(new URL(process.argv[2] ?? ''), (message) => channel.send(message));

/** An ffmpeg that cannot be killed, stuck in a read from a dead disk, must not keep this process. */
const LEAVE_WITHIN_MS = 2000;

function leave(): void {
  setTimeout(() => process.exit(0), LEAVE_WITHIN_MS);
  void session.close().finally(() => process.exit(0));
}

channel.onMessage((message) => {
  if (message.kind === 'exit') leave();
  else session.handle(message);
});
channel.onClose(leave);
// Ctrl+C reaches every process of the terminal; the app decides what it means and says so by message.
process.on('SIGINT', () => undefined);
await guardMemory(MOST_OF_MEMORY_BYTES);
channel.send({ kind: 'ready' });
