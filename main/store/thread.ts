import { parentPort, workerData } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';
import { errorDataFrom } from '../../preload/contract/errors.ts';
import { openReadDatabase } from './database.ts';
import { openWriteDatabase } from './openDatabase.ts';
import type { FromThread, ThreadStart, ToThread } from './protocol.ts';
import { READ_HANDLERS } from './readHandlers.ts';
import { errorFromSqlite } from './sqliteError.ts';
import { WRITE_HANDLERS } from './writeHandlers.ts';

/** What a thread serves: calls by name on one connection. */
interface Served {
  call(method: string, args: readonly unknown[]): unknown;
  close(): void;
}

/**
 * Calls by name. The names and arguments come from the typed client in this same folder (see `storeThread.ts`), which
 * is what makes the widening of the table's type true.
 */
function serve<Database extends { close(): void }>(db: Database, handlers: object): Served {
  const table = new Map<string, (db: Database, ...args: readonly unknown[]) => unknown>(
    Object.entries(handlers),
  );
  return {
    call: (method, args) => {
      const handler = table.get(method);
      if (handler === undefined) throw new Error(`the store has no call ${method}`);
      return handler(db, ...args);
    },
    close: () => db.close(),
  };
}

function open(start: ThreadStart): Served {
  return start.role === 'writer'
    ? serve(openWriteDatabase(start), WRITE_HANDLERS)
    : serve(openReadDatabase(start.databasePath), READ_HANDLERS);
}

function run(port: MessagePort, start: ThreadStart): void {
  const send = (message: FromThread): void => port.postMessage(message);
  const sendError = (id: number | null, thrown: unknown): void => {
    const error = errorFromSqlite(thrown, start.databasePath);
    send({
      kind: 'error',
      id,
      error: errorDataFrom(error),
      stack: error instanceof Error ? error.stack : undefined,
    });
  };
  let served: Served;
  try {
    served = open(start);
  } catch (thrown) {
    sendError(null, thrown);
    port.close();
    return;
  }
  port.on('message', (message: ToThread) => {
    if (message.kind === 'call') {
      try {
        send({ kind: 'result', id: message.id, result: served.call(message.method, message.args) });
      } catch (thrown) {
        sendError(message.id, thrown);
      }
      return;
    }
    try {
      served.close();
      send({ kind: 'closed' });
    } catch (thrown) {
      sendError(null, thrown);
    }
    port.close();
  });
  send({ kind: 'ready' });
}

if (parentPort === null) throw new Error('the store thread is started as a worker');
// `workerData` is what `storeThread.ts` gave, and its parameter has this type.
run(parentPort, workerData as ThreadStart);
