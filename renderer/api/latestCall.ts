/**
 * Coalesces calls whose older answers nobody wants: one is under way, the newest request waits, everything between
 * is dropped. So a drag asks as fast as answers come, and the last request is always answered.
 */
export class LatestCall<Input, Output> {
  readonly #call: (input: Input, signal: AbortSignal) => Promise<Output>;
  readonly #onAnswer: (output: Output, input: Input) => void;
  readonly #onError: (thrown: unknown) => void;
  #underWay: AbortController | null = null;
  #waiting: { readonly input: Input } | null = null;

  constructor(options: {
    call: (input: Input, signal: AbortSignal) => Promise<Output>;
    onAnswer: (output: Output, input: Input) => void;
    onError: (thrown: unknown) => void;
  }) {
    this.#call = options.call;
    this.#onAnswer = options.onAnswer;
    this.#onError = options.onError;
  }

  /** Asks for this input, after what is under way. */
  request(input: Input): void {
    this.#waiting = { input };
    if (this.#underWay === null) void this.#drain();
  }

  /** Asks for this input at once: what is under way answers something no longer wanted, and is aborted. */
  requestAfresh(input: Input): void {
    this.#underWay?.abort();
    this.request(input);
  }

  async #drain(): Promise<void> {
    while (this.#waiting !== null) {
      const { input } = this.#waiting;
      this.#waiting = null;
      const controller = new AbortController();
      this.#underWay = controller;
      try {
        const output = await this.#call(input, controller.signal);
        if (!controller.signal.aborted) this.#onAnswer(output, input);
      } catch (thrown) {
        if (!controller.signal.aborted) this.#onError(thrown);
      }
    }
    this.#underWay = null;
  }
}
