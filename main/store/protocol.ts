import type { ErrorData } from '../../preload/contract/errors.ts';
import type { OpenDatabaseOptions } from './openDatabase.ts';
import type { StoreReads, StoreWrites } from './store.ts';

/** Arguments and results of every call of an interface of promises, by name. */
type CallsOf<Interface> = {
  [Name in keyof Interface]: Interface[Name] extends (...args: infer Args) => Promise<infer Result>
    ? { readonly args: Args; readonly result: Result }
    : never;
};
export type ReadCalls = CallsOf<StoreReads>;
export type WriteCalls = CallsOf<StoreWrites>;

/** What a thread does for each call, synchronously, on its own connection. */
export type Handlers<Calls extends Record<keyof Calls, { args: unknown[]; result: unknown }>, Database> = {
  readonly [Name in keyof Calls]: (db: Database, ...args: Calls[Name]['args']) => Calls[Name]['result'];
};

/** How a thread is to open the case; given to the worker as its `workerData`. */
export type ThreadStart =
  | ({ readonly role: 'writer' } & Omit<OpenDatabaseOptions, 'migrations'>)
  | { readonly role: 'reader'; readonly databasePath: string };

/** To a thread. Requests are answered in the order they come; `close` is answered last. */
export type ToThread =
  | { readonly kind: 'call'; readonly id: number; readonly method: string; readonly args: readonly unknown[] }
  | { readonly kind: 'close' };

/** From a thread. `stack` is for the log and goes no further than this process. */
export type FromThread =
  | { readonly kind: 'ready' }
  | { readonly kind: 'result'; readonly id: number; readonly result: unknown }
  | {
      readonly kind: 'error';
      /** Null when the case could not be opened or closed. */
      readonly id: number | null;
      readonly error: ErrorData;
      readonly stack: string | undefined;
    }
  | { readonly kind: 'closed' };
