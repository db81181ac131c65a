import { EventPublisher } from '@orpc/server';

/** What a slow listener may fall behind before it misses the oldest. */
const MAX_BUFFERED = 1_000;

/** Tells everybody who listens at the moment; nothing is kept for those who come later. */
export class Broadcast<T> {
  readonly #publisher = new EventPublisher<{ value: T }>({ maxBufferedEvents: MAX_BUFFERED });

  publish(value: T): void {
    this.#publisher.publish('value', value);
  }

  /** Every value from now on, until the listener leaves its loop or aborts the signal. */
  subscribe(signal?: AbortSignal): AsyncGenerator<T> {
    return this.#publisher.subscribe('value', { signal });
  }

  /** The same by callback; returns what ends it. */
  listen(listener: (value: T) => void): () => void {
    return this.#publisher.subscribe('value', listener);
  }
}
