import { randomUUID } from 'node:crypto';
import { mapEventIterator, ORPCError } from '@orpc/client';
import { ValidationError } from '@orpc/contract';
import { AppError, errorDataFrom, isAbort } from '../../preload/contract/errors.ts';
import type { ErrorData } from '../../preload/contract/errors.ts';
import type { Log } from '../ports.ts';

/** The part of an oRPC procedure call that this interceptor looks at. */
interface ProcedureCall {
  readonly path: readonly string[];
  readonly signal?: AbortSignal | undefined;
  next(): Promise<unknown>;
}

/**
 * An oRPC `clientInterceptors` entry, the same for every transport: whatever a handler or its event stream throws
 * is logged once with its stack under a fresh `errorId` and crosses as the contract's error `APP` with
 * {@link ErrorData}. A call given up by its caller is neither logged nor changed.
 */
export function rpcErrorInterceptor(log: Log): (call: ProcedureCall) => Promise<unknown> {
  return async (call) => {
    const toRpc = (thrown: unknown): unknown => {
      if (call.signal?.aborted === true || isAbort(thrown)) return thrown;
      return rpcErrorFrom(thrown, call.path, log);
    };
    try {
      const output = await call.next();
      if (!isEventIterator(output)) return output;
      return mapEventIterator(output, {
        value: (value: unknown) => Promise.resolve(value),
        error: (thrown) => Promise.resolve(toRpc(thrown)),
      });
    } catch (thrown) {
      throw toRpc(thrown);
    }
  };
}

function isEventIterator(output: unknown): output is AsyncIterator<unknown, unknown, void> {
  return typeof output === 'object' && output !== null && Symbol.asyncIterator in output && 'next' in output;
}

function rpcErrorFrom(thrown: unknown, path: readonly string[], log: Log): ORPCError<'APP', ErrorData> {
  const cause = refusedInput(thrown, path) ?? thrown;
  const errorId = randomUUID();
  const data = errorDataFrom(cause, errorId);
  const stack = thrown instanceof Error ? thrown.stack : undefined;
  const origin = thrown instanceof Error ? thrown.cause : undefined;
  log(data.code === 'internal' ? 'error' : 'warn', 'rpc', `${path.join('.')} failed: ${data.message}`, {
    ...data,
    stack,
    cause: origin instanceof Error ? origin.stack : origin,
  });
  return new ORPCError('APP', { defined: true, status: 422, message: data.message, data, cause: thrown });
}

/** oRPC's own refusal of an input as an AppError that names the fields; null for any other error. */
function refusedInput(thrown: unknown, path: readonly string[]): AppError | null {
  if (!(thrown instanceof ORPCError) || thrown.code !== 'BAD_REQUEST') return null;
  const issues = thrown.cause instanceof ValidationError ? thrown.cause.issues : [];
  const fields = issues.map((issue) => {
    const keys = (issue.path ?? []).map((part) => String(typeof part === 'object' ? part.key : part));
    return `${keys.join('.') || 'input'}: ${issue.message}`;
  });
  return new AppError('input.invalid', `${path.join('.')} refused its input. ${fields.join('; ')}`, {
    cause: thrown,
  });
}
