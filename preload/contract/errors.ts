import { z } from 'zod';

/** Every way something of ours can go wrong. The renderer has words for each one. */
export const ErrorCode = z.enum([
  'file.notFound',
  'file.unreadable',
  'file.isFolder',
  'file.changed',
  'file.exists',
  'disk.full',
  'video.notVideo',
  'video.noVideoStream',
  'video.noFrames',
  'video.incomplete',
  'video.tooLarge',
  'video.encrypted',
  'video.timeout',
  'video.unsupportedFormat',
  'footage.duplicate',
  'ffmpeg.missing',
  'ffmpeg.failed',
  'model.notFound',
  'model.notInstalled',
  'model.hashMismatch',
  'model.invalidManifest',
  'model.unexpectedShape',
  'model.loadFailed',
  'model.refused',
  'model.unsupported',
  'model.tooLarge',
  'model.tooSlow',
  'model.busy',
  'model.inUse',
  'model.notRemovable',
  'model.notPublished',
  'model.fixedProposals',
  'network.unreachable',
  'network.interrupted',
  'network.refused',
  'run.notFound',
  'run.wrongState',
  'analyzer.crashed',
  'analyzer.failed',
  'case.notFound',
  'case.notACase',
  'case.locked',
  'case.tooNew',
  'case.damaged',
  'footage.notFound',
  'finding.notFound',
  'exhibit.notFound',
  'clip.emptyRange',
  'clip.notVerified',
  'input.invalid',
  'internal',
]);
export type ErrorCode = z.infer<typeof ErrorCode>;

/** Facts that go with an error: short, JSON, for the person and the log. */
export const ErrorDetail = z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()]));
export type ErrorDetail = z.infer<typeof ErrorDetail>;

/** What crosses a process border. The stack stays in the log under `errorId`. */
export const ErrorData = z.object({
  code: ErrorCode,
  message: z.string(),
  detail: ErrorDetail.optional(),
  errorId: z.string().optional(),
});
export type ErrorData = z.infer<typeof ErrorData>;

/**
 * The one error class. `message` says what happened, to which file (path last), and what to do now.
 */
export class AppError extends Error {
  override readonly name = 'AppError';
  readonly code: ErrorCode;
  readonly detail: ErrorDetail | undefined;

  constructor(code: ErrorCode, message: string, options: { cause?: unknown; detail?: ErrorDetail } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.detail = options.detail;
  }
}

/** Plain data for any thrown value; what is not an {@link AppError} becomes `internal`. */
export function errorDataFrom(thrown: unknown, errorId?: string): ErrorData {
  const id = errorId === undefined ? {} : { errorId };
  if (thrown instanceof AppError) {
    const detail = thrown.detail === undefined ? {} : { detail: thrown.detail };
    return { code: thrown.code, message: thrown.message, ...detail, ...id };
  }
  return { code: 'internal', message: thrown instanceof Error ? thrown.message : String(thrown), ...id };
}

/** The error that plain data describes, to be thrown again on this side of a border. */
export function errorFromData(data: ErrorData): AppError {
  return new AppError(data.code, data.message, data.detail === undefined ? {} : { detail: data.detail });
}

/** Cancellation is not an error: code that stops because of its signal throws this reason or returns. */
export function isAbort(thrown: unknown): boolean {
  return thrown instanceof DOMException && thrown.name === 'AbortError';
}
