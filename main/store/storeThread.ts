import { Worker } from 'node:worker_threads';
import { AppError } from '../../preload/contract/errors.ts';
import type { Log } from '../ports.ts';
import type { FromThread, ThreadStart, ToThread } from './protocol.ts';

interface Waiting {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: AppError) => void;
}

/** The thread's error on this side, with the thread's own stack as its cause for whoever logs it. */
function errorOfThread({ error, stack }: Extract<FromThread, { kind: 'error' }>): AppError {
  const cause = new Error(error.message);
  if (stack !== undefined) cause.stack = stack;
  return new AppError(error.code, error.message, {
    cause,
    ...(error.detail === undefined ? {} : { detail: error.detail }),
  });
}

/**
 * One thread of the store seen from the outside: calls go in, promises come back in any number at a time, and the
 * thread answers them in order. When it dies, everything waiting is rejected.
 */
export class StoreThread {
  readonly #worker: Worker;
  readonly #role: ThreadStart['role'];
  readonly #waiting = new Map<number, Waiting>();
  readonly #exited: Promise<void>;
  #nextId = 1;
  #closing: Promise<void> | null = null;
  /** Why no call is taken any more; null while they are. */
  #endReason: string | null = null;
  #closeError: AppError | null = null;

  private constructor(worker: Worker, role: ThreadStart['role'], log: Log) {
    this.#worker = worker;
    this.#role = role;
    worker.on('message', (message: FromThread) => this.#receive(message));
    worker.on('error', (error) => log('error', 'store', `${role} thread failed`, error));
    this.#exited = new Promise((resolve) => {
      worker.once('exit', () => {
        this.#end('the database thread has stopped');
        resolve();
      });
    });
  }

  /** Starts the thread and waits until its database is open. @throws AppError as {@link openWriteDatabase} does. */
  static async start(threadUrl: URL, start: ThreadStart, log: Log): Promise<StoreThread> {
    const worker = new Worker(threadUrl, { workerData: start, name: `store ${start.role}` });
    const thread = new StoreThread(worker, start.role, log);
    const opened = new Promise<void>((resolve, reject) => {
      worker.once('message', (message: FromThread) => {
        if (message.kind === 'error') reject(errorOfThread(message));
        else resolve();
      });
      worker.once('error', (cause) =>
        reject(new AppError('internal', 'The database thread did not start.', { cause })),
      );
    });
    try {
      await opened;
    } catch (error) {
      await thread.#exited;
      throw error;
    }
    return thread;
  }

  /** Calls a handler of the thread. @throws AppError what the handler threw, or `internal` when it is closed. */
  call(method: string, args: readonly unknown[]): Promise<unknown> {
    if (this.#endReason !== null) return Promise.reject(this.#ended(method));
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#post({ kind: 'call', id, method, args });
    });
  }

  /** Answers what was called, closes the database and ends the thread. Takes no more calls from now on. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    if (this.#endReason === null) {
      this.#endReason = 'the case is closed';
      this.#post({ kind: 'close' });
    }
    await this.#exited;
    if (this.#closeError !== null) throw this.#closeError;
  }

  #post(message: ToThread): void {
    this.#worker.postMessage(message);
  }

  #receive(message: FromThread): void {
    switch (message.kind) {
      case 'result':
        this.#take(message.id)?.resolve(message.result);
        break;
      case 'error': {
        const error = errorOfThread(message);
        if (message.id !== null) this.#take(message.id)?.reject(error);
        else this.#closeError = error;
        break;
      }
      case 'ready':
      case 'closed':
        break;
    }
  }

  #take(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    return waiting;
  }

  #end(reason: string): void {
    this.#endReason ??= reason;
    for (const { reject } of this.#waiting.values()) reject(this.#ended('a call under way'));
    this.#waiting.clear();
  }

  #ended(what: string): AppError {
    return new AppError('internal', `The store cannot answer ${what}: ${this.#endReason} (${this.#role}).`);
  }
}
