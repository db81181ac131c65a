import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import ffmpegStaticPath from 'ffmpeg-static';
import { AppError } from '../../preload/contract/errors.ts';
import { runFfmpeg } from './ffmpegProcess.ts';

/** An ffmpeg that runs, and how it was found; both are named in every report. */
export interface FfmpegBinary {
  readonly path: string;
  /** As it says itself: `6.1.1-static`, `5.1.9-0+deb12u1`. */
  readonly version: string;
  readonly origin: 'FFMPEG_PATH' | 'ffmpeg-static' | 'PATH';
}

interface Candidate {
  readonly path: string;
  readonly origin: FfmpegBinary['origin'];
}

const NEVER_ABORTED = new AbortController().signal;

const PROGRAM = process.platform === 'win32' ? 'ffmpeg.exe' : 'ffmpeg';

/** A path inside Electron's archive cannot be executed; electron-builder puts the program beside it. */
export function unpackedPath(path: string): string {
  return path.replace(/([\\/]app\.asar)(?=[\\/])/, '$1.unpacked');
}

function candidatesOf(env: NodeJS.ProcessEnv): Candidate[] {
  const fromVariable = env['FFMPEG_PATH'];
  if (fromVariable !== undefined && fromVariable !== '') {
    // Whoever sets the variable means that program: another one in its place would be a surprise in a report.
    return [{ path: fromVariable, origin: 'FFMPEG_PATH' }];
  }
  const folders = (env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  const fromPackage: Candidate[] =
    ffmpegStaticPath === null ? [] : [{ path: unpackedPath(ffmpegStaticPath), origin: 'ffmpeg-static' }];
  return [
    ...fromPackage,
    ...folders.map((folder): Candidate => ({ path: join(folder, PROGRAM), origin: 'PATH' })),
  ];
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

/**
 * The version that an ffmpeg names itself with, as in {@link FfmpegBinary.version}. Throws `ffmpeg.missing` when the
 * program does not run or is not ffmpeg.
 */
export async function readFfmpegVersion(ffmpegPath: string, signal = NEVER_ABORTED): Promise<string> {
  let text = '';
  await runFfmpeg({
    ffmpegPath,
    args: ['-version'],
    signal,
    timeoutMs: 20_000,
    onStdoutChunk: (chunk) => (text += chunk.toString('latin1')),
  });
  const version = /^ffmpeg version (\S+)/m.exec(text)?.[1];
  if (version === undefined)
    throw new AppError('ffmpeg.missing', `This program is not ffmpeg: ${ffmpegPath}`);
  return version;
}

/**
 * The ffmpeg to use: `FFMPEG_PATH`, else the one of the package ffmpeg-static (its download may not have happened),
 * else the first on PATH. Throws `ffmpeg.missing` with what to do when none of them runs.
 */
export async function findFfmpeg(options: {
  readonly env: NodeJS.ProcessEnv;
  readonly signal?: AbortSignal;
}): Promise<FfmpegBinary> {
  for (const { path, origin } of candidatesOf(options.env)) {
    if (!(await isExecutable(path))) continue;
    try {
      return { path, version: await readFfmpegVersion(path, options.signal), origin };
    } catch (error) {
      if (!(error instanceof AppError)) throw error; // Cancelled; one that does not run is passed over.
    }
  }
  const asked = options.env['FFMPEG_PATH'];
  throw new AppError(
    'ffmpeg.missing',
    asked === undefined || asked === ''
      ? 'No ffmpeg was found. Install it (Debian, Ubuntu: apt install ffmpeg; macOS: brew install ffmpeg; ' +
          'Windows: winget install ffmpeg) or set FFMPEG_PATH to its program, then start again.'
      : `FFMPEG_PATH does not name an ffmpeg that runs. Correct it or unset it: ${asked}`,
  );
}

const passthroughByPath = new Map<string, readonly string[]>();

/**
 * The output option that keeps every frame and its own time: `-fps_mode passthrough`, or `-vsync 0` for ffmpeg
 * before 5.1 (ffmpeg's Changelog, 5.1). The program is asked once, or not at all when its `version` is known.
 */
export async function passthroughArguments(
  ffmpegPath: string,
  signal: AbortSignal,
  version?: string,
): Promise<readonly string[]> {
  const known = passthroughByPath.get(ffmpegPath);
  if (known !== undefined) return known;
  const numbers = /^n?(\d+)\.(\d+)/.exec(version ?? (await readFfmpegVersion(ffmpegPath, signal)));
  const [major, minor] = [Number(numbers?.[1] ?? Infinity), Number(numbers?.[2] ?? 0)];
  const isOld = major < 5 || (major === 5 && minor < 1);
  const args = isOld ? ['-vsync', '0'] : ['-fps_mode', 'passthrough'];
  passthroughByPath.set(ffmpegPath, args);
  return args;
}
