import { describe, expect, it } from 'vitest';
import type { CommandLineImportEvent, ImportEvent } from '../../../preload/contract/footage.ts';
import { AppError, errorDataFrom } from '../../../preload/contract/errors.ts';
import { CommandLineImport } from '../../../main/footage/commandLineImport.ts';

const error = errorDataFrom(new AppError('video.notVideo', 'This is no video: /weekend/notes.txt'));
const SCANNING: ImportEvent = { kind: 'scanning', path: '/weekend/notes.txt' };
const REFUSED: ImportEvent = { kind: 'refused', path: '/weekend/notes.txt', videoStream: null, error };
const FINISHED: ImportEvent = { kind: 'finished', added: 0, duplicates: 0, refused: 1 };

/** An import of these events, and what a person's screen is told of it. */
function importOf(events: () => AsyncIterable<ImportEvent>): {
  readonly commandLine: CommandLineImport;
  readonly closing: AbortController;
} {
  const closing = new AbortController();
  const commandLine = new CommandLineImport({
    importFootage: events,
    analyse: () => Promise.resolve(),
    log: () => undefined,
    closing: closing.signal,
  });
  return { commandLine, closing };
}

async function* eventsOf(...events: readonly ImportEvent[]): AsyncGenerator<ImportEvent> {
  for (const event of events) yield await Promise.resolve(event);
}

async function take(
  stream: AsyncGenerator<CommandLineImportEvent>,
  count: number,
): Promise<CommandLineImportEvent[]> {
  const taken: CommandLineImportEvent[] = [];
  while (taken.length < count) {
    const next = await stream.next();
    if (next.done === true) break;
    taken.push(next.value);
  }
  return taken;
}

describe('what the app was started with', () => {
  it('is told a page that comes when it is over, without the steps on the way', async () => {
    const { commandLine } = importOf(() => eventsOf(SCANNING, REFUSED, FINISHED));
    await commandLine.run(['/weekend']);
    expect(await take(commandLine.follow(), 2)).toEqual([REFUSED, FINISHED]);
  });

  it('is told a page that comes in the middle of it, each event once', async () => {
    const onGate = Promise.withResolvers<void>();
    const { commandLine } = importOf(async function* () {
      yield SCANNING;
      await onGate.promise;
      yield* eventsOf(REFUSED, FINISHED);
    });
    const run = commandLine.run(['/weekend']);
    await new Promise((resolve) => setImmediate(resolve));
    const stream = commandLine.follow();
    expect(await take(stream, 1)).toEqual([SCANNING]);
    onGate.resolve();
    await run;
    expect(await take(stream, 2)).toEqual([REFUSED, FINISHED]);
  });

  it('says what stopped it', async () => {
    const { commandLine } = importOf(() => {
      throw new AppError('disk.full', 'The disk is full: /case');
    });
    await expect(commandLine.run(['/weekend'])).rejects.toMatchObject({ code: 'disk.full' });
    const [event] = await take(commandLine.follow(), 1);
    expect(event).toMatchObject({ kind: 'stopped', error: { code: 'disk.full' } });
  });

  it('ends silently with the case, for those who follow it as well', async () => {
    const { commandLine, closing } = importOf(async function* () {
      yield SCANNING;
      await new Promise((_resolve, reject) =>
        closing.signal.addEventListener('abort', () => reject(closing.signal.reason as Error)),
      );
    });
    const run = commandLine.run(['/weekend']);
    await new Promise((resolve) => setImmediate(resolve));
    const stream = commandLine.follow();
    expect(await take(stream, 1)).toEqual([SCANNING]);
    const rest = take(stream, 1);
    closing.abort();
    await run;
    expect(await rest).toEqual([]);
    expect(await take(commandLine.follow(), 1)).toEqual([]);
  });
});
