import { guardMemory, MOST_OF_MEMORY_BYTES } from '../detect/memoryGuard.ts';
import { openChannel } from './channel.ts';
import { AnalyzerSession } from './session.ts';

// Entry file of the analyzer process.
const channel = openChannel();
const session = new AnalyzerSession((message) => channel.send(message));

function leave(): never {
  session.close();
  process.exit(0);
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
