import { once } from 'node:events';
import { totalmem } from 'node:os';
import { Worker } from 'node:worker_threads';

/** A process that holds more than this of the machine's memory is about to take the app along. */
export const MOST_OF_MEMORY_BYTES = Math.floor(0.75 * totalmem());

const CHECK_EVERY_MS = 20;

/**
 * Kills this process as soon as it holds more than `capBytes` of memory (resident set). ONNX Runtime stops the thread
 * it is called on, and what it allocates is not V8's to limit, so another thread watches. Resolves once it does.
 */
export async function guardMemory(capBytes: number): Promise<void> {
  const guard = new Worker(WATCH, { eval: true, workerData: { capBytes, everyMs: CHECK_EVERY_MS } });
  await once(guard, 'online');
  guard.unref();
}

/** As text, because the desktop build makes one file of each process and a thread would need its own. */
const WATCH = `
const { workerData } = require('node:worker_threads');
setInterval(() => {
  if (process.memoryUsage.rss() > workerData.capBytes) process.kill(process.pid, 'SIGKILL');
}, workerData.everyMs);
`;
