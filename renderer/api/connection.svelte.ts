import { createORPCClient, mapEventIterator, ORPCError } from '@orpc/client';
import type { ClientContext, ClientLink } from '@orpc/client';
import type { ContractRouterClient } from '@orpc/contract';
import type { Contract } from '../../preload/contract/contract.ts';
import { ErrorData, errorFromData } from '../../preload/contract/errors.ts';
import { NotSignedInError, openWire } from './wire.ts';
import type { Wire } from './wire.ts';

/** Every call of the contract, typed. Failures are thrown as {@link AppError}. */
export type Api = ContractRouterClient<Contract>;

/** The host went away while a call was under way; the banner already says so. */
export class ConnectionLostError extends Error {
  override readonly name = 'ConnectionLostError';
}

const FIRST_RETRY_MS = 300;
const LONGEST_RETRY_MS = 5_000;
/** How often a page that is not signed in looks whether it is by now, such as by the same address in another tab. */
const SIGN_IN_RETRY_MS = 5_000;

/**
 * Keeps one wire to the host open and hands out a client that outlives it: calls made while the connection is down
 * wait for the next one. `epoch` counts connections, so that what is on screen is asked for again after each.
 */
export class Connection {
  status = $state<'connecting' | 'open' | 'lost' | 'notSignedIn'>('connecting');
  epoch = $state(0);
  readonly api: Api = createORPCClient<Api>({ call: (...request) => this.#call(...request) });
  readonly #closed = new WeakSet<Wire>();
  #wire = Promise.withResolvers<Wire>();

  /**
   * Connects, and connects again whenever the wire closes. A host that was started anew knows this page no more: it
   * waits for the new address, which may be opened in place of this one or beside it.
   */
  async run(): Promise<void> {
    let retryMs = FIRST_RETRY_MS;
    for (;;) {
      try {
        const wire = await openWire();
        retryMs = FIRST_RETRY_MS;
        this.status = 'open';
        this.epoch += 1;
        // Once a wire: a call that waited for it itself would be held, with all it asked for, until the wire closes.
        const closed = wire.closed.then(() => this.#closed.add(wire));
        this.#wire.resolve(wire);
        await closed;
        this.#wire = Promise.withResolvers<Wire>();
        this.status = 'lost';
      } catch (thrown) {
        if (thrown instanceof NotSignedInError) {
          this.status = 'notSignedIn';
          await nextAddress(SIGN_IN_RETRY_MS);
          continue;
        }
        if (this.status !== 'connecting') this.status = 'lost';
        await nextAddress(retryMs);
        retryMs = Math.min(retryMs * 2, LONGEST_RETRY_MS);
      }
    }
  }

  async #call(...request: Parameters<ClientLink<ClientContext>['call']>): Promise<unknown> {
    const wire = await this.#wire.promise;
    const toError = (thrown: unknown): unknown => {
      const signal = request[2].signal;
      if (signal?.aborted === true) return new DOMException('The caller stopped waiting.', 'AbortError');
      const data = thrown instanceof ORPCError ? ErrorData.safeParse(thrown.data) : null;
      if (data?.success === true) return errorFromData(data.data);
      return this.#closed.has(wire)
        ? new ConnectionLostError('The connection was lost.', { cause: thrown })
        : thrown;
    };
    try {
      const output = await wire.link.call(...request);
      if (!isEventIterator(output)) return output;
      return mapEventIterator(output, {
        value: (value) => Promise.resolve(value),
        error: (thrown) => Promise.resolve(toError(thrown) as Error),
      });
    } catch (thrown) {
      await Promise.resolve();
      throw toError(thrown);
    }
  }
}

/**
 * Makes a call again on each next connection until one of them lasts to its answer. Only for calls that may be carried
 * out twice, such as storing a value: whether the host had done it when it went away is not known.
 */
export async function untilAnswered<T>(call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (thrown) {
      if (!(thrown instanceof ConnectionLostError)) throw thrown;
      // The connection's own loop has to notice first, so that the next call waits for a new one.
      await nextAddress(FIRST_RETRY_MS);
    }
  }
}

/** Resolves when the address got another fragment, which may carry a token, or after a while. */
async function nextAddress(longestMs: number): Promise<void> {
  const controller = new AbortController();
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, longestMs);
    const arrive = (): void => {
      clearTimeout(timer);
      resolve();
    };
    window.addEventListener('hashchange', arrive, { signal: controller.signal });
  });
  controller.abort();
}

function isEventIterator(output: unknown): output is AsyncIterator<unknown, unknown, void> {
  return typeof output === 'object' && output !== null && Symbol.asyncIterator in output && 'next' in output;
}
