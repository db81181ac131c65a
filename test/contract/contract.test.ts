import { tmpdir } from 'node:os';
import { isDefinedError, ORPCError } from '@orpc/client';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { LogLevel } from '../../main/ports.ts';
import type { Change } from '../../preload/contract/cases.ts';
import { ErrorData, errorFromData } from '../../preload/contract/errors.ts';
import type { RunId } from '../../preload/contract/ids.ts';
import { fixtureHost } from './fixtureHost.ts';
import { TRANSPORTS } from './transports.ts';
import type { Connection } from './transports.ts';

// What a page with a fault might send: the types would not let it through here.
const NO_RUN = -1 as RunId;
const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/;
const VERDICTS: Change = { kind: 'verdicts' };

describe.each(TRANSPORTS)('the contract over $kind', ({ kind, connect }) => {
  const host = fixtureHost(kind);
  const logged: { level: LogLevel; message: string; detail: unknown }[] = [];
  let connection: Connection;

  beforeAll(async () => {
    connection = await connect(host, (level, _area, message, detail) => {
      logged.push({ level, message, detail });
    });
  });
  afterAll(() => connection.close());
  beforeEach(() => logged.splice(0));

  /** What a call failed with, as the renderer sees it. */
  async function failureOf(call: Promise<unknown>): Promise<ErrorData> {
    const error: unknown = await call.then(
      () => null,
      (thrown: unknown) => thrown,
    );
    if (!(error instanceof ORPCError)) throw new Error('the call did not fail');
    expect(error.code).toBe('APP');
    expect(isDefinedError(error)).toBe(true);
    return ErrorData.parse(error.data);
  }

  it('answers calls', async () => {
    expect((await connection.api.app.info()).host).toBe(kind);
    expect(await connection.api.models.list()).toEqual([]);
    expect((await connection.api.files.list({ path: tmpdir() })).path).toBe(tmpdir());
  });

  it('answers many at once, each with its own', async () => {
    const paths = Array.from({ length: 200 }, (_, index) => `/cases/${index}`);
    const opened = await Promise.all(paths.map((path) => connection.api.cases.open({ path })));
    expect(opened.map(({ path }) => path)).toEqual(paths);
  });

  it('fails with code, message and detail, and logs the stack under the same id', async () => {
    const data = await failureOf(connection.api.footage.list());
    expect(data).toMatchObject({
      code: 'case.notFound',
      message: 'No case is open.',
      detail: { cases: 0 },
    });
    expect(data.errorId).toMatch(UUID);
    expect(errorFromData(data).code).toBe('case.notFound');
    expect(logged).toHaveLength(1);
    expect(logged[0]).toMatchObject({ level: 'warn', detail: { errorId: data.errorId } });
    expect(JSON.stringify(logged[0]?.detail)).toContain('fixtureHost.ts');
  });

  it('calls what nobody expected internal, with its message and no stack', async () => {
    const data = await failureOf(connection.api.cases.recent());
    expect(data).toEqual({ code: 'internal', message: 'the disk is on fire', errorId: data.errorId });
    expect(data.errorId).toMatch(UUID);
    expect(logged[0]?.level).toBe('error');
  });

  it.each([
    ['a run id that is none', () => connection.api.runs.pause({ runId: NO_RUN })],
    ['an empty path', () => connection.api.cases.open({ path: '' })],
  ])('refuses %s before any handler sees it', async (_name, call) => {
    const data = await failureOf(call());
    expect(data.code).toBe('input.invalid');
    expect(data.message).toMatch(/runId|path/);
  });

  it('ends a subscription when its loop is left', async () => {
    const seen: Change[] = [];
    const subscription = await connection.api.cases.changes();
    await vi.waitFor(() => {
      expect(host.subscriptions).toBe(1);
    });
    const published = setInterval(() => host.changes.publish(VERDICTS), 5);
    for await (const change of subscription) {
      seen.push(change);
      if (seen.length === 3) break;
    }
    clearInterval(published);
    expect(seen).toEqual([VERDICTS, VERDICTS, VERDICTS]);
    await vi.waitFor(() => expect(host.subscriptions).toBe(0));
    expect(logged).toEqual([]);
  });

  it('ends a subscription when its signal aborts, without an error in the log', async () => {
    const controller = new AbortController();
    const subscription = await connection.api.cases.changes(undefined, { signal: controller.signal });
    const next = subscription.next();
    await vi.waitFor(() => expect(host.subscriptions).toBe(1));
    controller.abort();
    await next.catch(() => undefined);
    await vi.waitFor(() => expect(host.subscriptions).toBe(0));
    expect(logged).toEqual([]);
  });

  it('carries an error out of the middle of a subscription', async () => {
    const subscription = await connection.api.cases.changes();
    const next = subscription.next();
    await vi.waitFor(() => expect(host.subscriptions).toBe(1));
    const published = setInterval(() => host.changes.publish({ kind: 'case' }), 5);
    const data = await failureOf(next);
    clearInterval(published);
    expect(data).toMatchObject({ code: 'case.damaged', message: 'The case broke.' });
    expect(logged).toHaveLength(1);
  });

  it('ends what a page listened to when the page goes', async () => {
    const gone = await connect(host, () => undefined);
    const subscription = await gone.api.cases.changes();
    const next = subscription.next();
    await vi.waitFor(() => expect(host.subscriptions).toBe(1));
    await gone.close();
    await next.catch(() => undefined);
    await vi.waitFor(() => expect(host.subscriptions).toBe(0));
  });
});
