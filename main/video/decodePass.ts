import type { SizePx } from '../../preload/contract/geometry.ts';
import { AppError } from '../../preload/contract/errors.ts';
import { inputArguments, spawnFfmpeg, streamArguments } from './ffmpegProcess.ts';
import type { FfmpegProcess } from './ffmpegProcess.ts';
import { Complaints } from './complaints.ts';
import { DamageWatch } from './damage.ts';
import type { DecodedFrame, DecodeOptions, DecodeSummary } from './frames.ts';
import { PIXEL_ASPECT } from './pixelAspect.ts';
import { ascendingTimesFilter, createShowinfoReader, SHOW_ALL, SHOW_SELECTED } from './showinfo.ts';
import type { ShownFrame } from './showinfo.ts';
import { ffmpegSeconds, typicalFrameUs } from './timeBase.ts';
import type { VideoSource } from './videoSource.ts';

/** ffmpeg silent for this long while we wait for it is stuck: a 4K frame on one slow core takes about one second. */
const DEFAULT_STALL_MS = 120_000;

/** Thrown before any frame is given: the seek landed after the grid cell that was asked for. */
export class SeekOvershot extends Error {}

/** What differs between two passes over one file with the same options. */
export interface PassPlan {
  readonly passthrough: readonly string[];
  /** Absolute media time to seek to; null reads from the beginning. */
  readonly seekUs: number | null;
}

const cellOf = (ptsUs: number, everyUs: number): number => Math.floor(ptsUs / everyUs);

/** The filter graph: repair, show all, select by grid, drop the run-up, show what is left, scale. */
function filterGraph(options: DecodeOptions): string {
  const { everyUs, fromPtsUs, scaleTo } = options;
  // t is a float of seconds; rounded to µs first, so that a frame on a cell's edge falls into that cell.
  const cell = (time: string): string => `floor(round(${time}*1000000)/${everyUs})`;
  const isFirstOfCell = `isnan(prev_selected_t)+gt(${cell('t')},${cell('prev_selected_t')})`;
  return [
    ascendingTimesFilter(),
    `${SHOW_ALL}=checksum=0`,
    ...(everyUs === null ? [] : [`select='${isFirstOfCell}'`]),
    ...(fromPtsUs === null ? [] : [`select='gte(round(t*1000000),${fromPtsUs})'`]),
    `${SHOW_SELECTED}=checksum=0`,
    ...scaleFilters(scaleTo),
    `format=${options.pixelFormat}`,
  ].join(',');
}

function scaleFilters(scaleTo: DecodeOptions['scaleTo']): string[] {
  if (scaleTo === null) return [];
  const { widthPx, heightPx } = scaleTo;
  if (scaleTo.fit === 'stretch') return [`scale=${widthPx}:${heightPx}:flags=bilinear`];
  const side = (mostPx: number, wanted: string): string => `'min(${mostPx},max(1,round(${wanted})))'`;
  const aspect = `a*${PIXEL_ASPECT}`;
  return [
    `scale=${side(widthPx, `${heightPx}*(${aspect})`)}:${side(heightPx, `${widthPx}/(${aspect})`)}:flags=bilinear`,
    `pad=${widthPx}:${heightPx}:0:0:black`,
  ];
}

function ffmpegArguments(source: VideoSource, options: DecodeOptions, plan: PassPlan): string[] {
  const seek =
    plan.seekUs === null
      ? []
      : ['-noaccurate_seek', '-seek_timestamp', '1', '-ss', ffmpegSeconds(plan.seekUs)];
  return [
    ...['-copyts', '-threads', '1', '-filter_threads', '1'],
    // HEVC can carry the MD5 of each picture: where it does, the decoder complains of every one that is not as coded.
    ...['-err_detect', '+crccheck'],
    ...seek,
    ...inputArguments(source, options.picture ?? null),
    ...streamArguments(source),
    ...['-vf', filterGraph(options), ...plan.passthrough],
    ...['-f', 'rawvideo', '-pix_fmt', options.pixelFormat, 'pipe:1'],
  ];
}

/** One run of ffmpeg over a file: pairs the pixels on stdout with the times on stderr. */
export class DecodePass {
  readonly #source: VideoSource;
  readonly #options: DecodeOptions;
  readonly #plan: PassPlan;
  readonly #complaints: Complaints;
  readonly #damage = new DamageWatch();
  readonly #decodedPtsUs: number[] = [];
  readonly #damagedPtsUs: number[] = [];
  readonly #selected: ShownFrame[] = [];
  #firstShown: ShownFrame | null = null;
  #given = 0;
  #givenDamaged = 0;
  #lastPtsUs = -Infinity;
  #lateFrames = 0;
  #hasSizeChanges = false;
  #exitCode: number | null = null;
  #hasEnded = false;
  #isWaiting = false;
  #stallError: AppError | null = null;
  #lastSignMs = performance.now();
  #wake: () => void = () => undefined;

  constructor(source: VideoSource, options: DecodeOptions, plan: PassPlan) {
    this.#source = source;
    this.#complaints = new Complaints(source);
    this.#options = options;
    this.#plan = plan;
  }

  /** Frames in order. Throws {@link SeekOvershot} before the first one, and as `decodeFrames`. */
  async *frames(): AsyncGenerator<DecodedFrame, void, undefined> {
    const stall = new AbortController();
    const readShowinfo = createShowinfoReader({
      all: (frame) => this.#shown(frame),
      selected: (frame) => void this.#selected.push(frame),
    });
    const ffmpeg = spawnFfmpeg({
      ffmpegPath: this.#options.ffmpegPath,
      args: ffmpegArguments(this.#source, this.#options, this.#plan),
      signal: AbortSignal.any([this.#options.signal, stall.signal]),
      isBackground: this.#options.isBackground ?? false,
      onStderrLine: (line) => {
        this.#lastSignMs = performance.now();
        this.#damage.read(line);
        readShowinfo(line);
        this.#complaints.read(line);
        this.#wake();
      },
    });
    void ffmpeg.ended.catch(() => undefined).then(() => this.#end());
    const watchdog = setInterval(() => this.#checkStall(stall), 1_000);
    const wake = (): void => this.#wake();
    this.#options.signal.addEventListener('abort', wake);
    try {
      yield* this.#pairedFrames(ffmpeg);
      this.#exitCode = (await ffmpeg.ended).exitCode;
      this.#checkSeek();
      if (this.#decodedPtsUs.length === 0 && this.#options.fromPtsUs === null) throw this.#noFramesError();
    } finally {
      clearInterval(watchdog);
      this.#options.signal.removeEventListener('abort', wake);
      ffmpeg.kill();
      await ffmpeg.ended.catch(() => undefined);
    }
  }

  /** What the pass has shown so far; complete once {@link frames} has ended. */
  summary(): DecodeSummary {
    const last = this.#decodedPtsUs.at(-1);
    const late = `${this.#lateFrames} frames came with a time that is not after the one before; they were left out`;
    return {
      decodedPtsUs: Float64Array.from(this.#decodedPtsUs),
      damagedPtsUs: Float64Array.from(this.#damagedPtsUs),
      lastFrameEndPtsUs: last === undefined ? null : last + typicalFrameUs(this.#decodedPtsUs),
      hasSizeChanges: this.#hasSizeChanges,
      complaints: [...this.#complaints.list(), ...(this.#lateFrames > 0 ? [late] : [])],
      exitCode: this.#exitCode,
    };
  }

  /** Fills one buffer from the pipe, again and again: nothing is read while the consumer is busy with it. */
  async *#pairedFrames(ffmpeg: FfmpegProcess): AsyncGenerator<DecodedFrame, void, undefined> {
    let data: Uint8Array | null = null;
    let size: SizePx = { widthPx: 0, heightPx: 0 };
    let filledBytes = 0;
    const chunks = (ffmpeg.stdout as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
    for (let next = await this.#waitFor(chunks); !next.done; next = await this.#waitFor(chunks)) {
      if (data === null) {
        size = await this.#outputSize();
        data = new Uint8Array(size.widthPx * size.heightPx * (this.#options.pixelFormat === 'gray' ? 1 : 3));
      }
      for (let at = 0; at < next.value.length;) {
        const taken = Math.min(next.value.length - at, data.length - filledBytes);
        data.set(next.value.subarray(at, at + taken), filledBytes);
        at += taken;
        filledBytes += taken;
        if (filledBytes < data.length) continue;
        filledBytes = 0;
        const frame = this.#frame(await this.#nextSelected(), size, data);
        if (frame !== null) yield frame;
      }
    }
  }

  /** The frame to give, or null when it is not the first of its cell (the graph was rebuilt within a cell). */
  #frame(shown: ShownFrame, size: SizePx, data: Uint8Array): DecodedFrame | null {
    const { everyUs } = this.#options;
    const isNew =
      shown.ptsUs > this.#lastPtsUs &&
      (everyUs === null || cellOf(shown.ptsUs, everyUs) > cellOf(this.#lastPtsUs, everyUs));
    if (!isNew) return null;
    this.#lastPtsUs = shown.ptsUs;
    const from = this.#given;
    const fromDamaged = this.#givenDamaged;
    while ((this.#decodedPtsUs[this.#given] ?? Infinity) <= shown.ptsUs) this.#given += 1;
    while ((this.#damagedPtsUs[this.#givenDamaged] ?? Infinity) <= shown.ptsUs) this.#givenDamaged += 1;
    return {
      ...size,
      ptsUs: shown.ptsUs,
      sourceSize: { widthPx: shown.widthPx, heightPx: shown.heightPx },
      pixelAspect: shown.pixelAspect,
      framesDecoded: this.#given,
      decodedPtsUs: this.#decodedPtsUs.slice(from, this.#given),
      damagedPtsUs: this.#damagedPtsUs.slice(fromDamaged, this.#givenDamaged),
      data,
    };
  }

  #shown(frame: ShownFrame): void {
    this.#firstShown ??= frame;
    const { widthPx, heightPx } = this.#firstShown;
    this.#hasSizeChanges ||= frame.widthPx !== widthPx || frame.heightPx !== heightPx;
    const isDamaged = this.#damage.shown(frame);
    if (frame.ptsUs < (this.#options.fromPtsUs ?? -Infinity)) return;
    if (frame.ptsUs <= (this.#decodedPtsUs.at(-1) ?? -Infinity)) {
      this.#lateFrames += 1;
      return;
    }
    this.#decodedPtsUs.push(frame.ptsUs);
    if (isDamaged) this.#damagedPtsUs.push(frame.ptsUs);
  }

  /** stdout's next chunk; a wait without any sign of life from ffmpeg is ended by the watchdog. */
  async #waitFor(chunks: AsyncIterator<Buffer>): Promise<IteratorResult<Buffer>> {
    return this.#whileWatched(() => chunks.next());
  }

  /** Waits for ffmpeg under the watchdog. Throws its error, or the signal's reason. */
  async #whileWatched<T>(wait: () => Promise<T>): Promise<T> {
    this.#lastSignMs = performance.now();
    this.#isWaiting = true;
    try {
      const value = await wait();
      if (this.#stallError !== null) throw this.#stallError;
      this.#options.signal.throwIfAborted();
      return value;
    } finally {
      this.#isWaiting = false;
    }
  }

  #checkStall(stall: AbortController): void {
    const stallMs = this.#options.stallMs ?? DEFAULT_STALL_MS;
    if (!this.#isWaiting || performance.now() - this.#lastSignMs < stallMs) return;
    const text = `ffmpeg gave no frame for ${Math.round(stallMs / 1000)} s; the file keeps it busy without a result`;
    this.#stallError = new AppError('video.timeout', `${text}: ${this.#source.path}`);
    stall.abort(this.#stallError);
    this.#wake();
  }

  #end(): void {
    this.#hasEnded = true;
    this.#wake();
  }

  /** stdout can be ahead of stderr: the line that belongs to these pixels may be a moment away. */
  async #nextSelected(): Promise<ShownFrame> {
    return this.#whenReady(() => this.#selected.shift());
  }

  async #outputSize(): Promise<SizePx> {
    const first = await this.#whenReady(() => this.#firstShown ?? undefined);
    this.#checkSeek();
    const { scaleTo } = this.#options;
    return scaleTo ?? { widthPx: first.widthPx, heightPx: first.heightPx };
  }

  /** A frame at or before the cell's start proves that the whole cell is seen; without one the seek is no use. */
  #checkSeek(): void {
    const { everyUs, fromPtsUs } = this.#options;
    if (this.#plan.seekUs === null || fromPtsUs === null) return;
    const cellStartUs = everyUs === null ? fromPtsUs : cellOf(fromPtsUs, everyUs) * everyUs;
    if (this.#firstShown === null || this.#firstShown.ptsUs > cellStartUs) {
      throw new SeekOvershot('The seek landed after the asked time.');
    }
  }

  async #whenReady<T>(take: () => T | undefined): Promise<T> {
    for (;;) {
      const value = take();
      if (value !== undefined) return value;
      if (this.#hasEnded) {
        throw new AppError('ffmpeg.failed', `ffmpeg gave pixels without their time: ${this.#source.path}`);
      }
      // Killed, ffmpeg does not count as ended while what it wrote is unread: abort and watchdog must wake us.
      await this.#whileWatched(() => new Promise<void>((resolve) => (this.#wake = resolve)));
    }
  }

  #noFramesError(): AppError {
    const reason = this.#complaints.list()[0];
    const text = 'Not one picture of this file can be decoded';
    return new AppError(
      'video.noFrames',
      `${text}${reason === undefined ? '' : ` (${reason})`}: ${this.#source.path}`,
    );
  }
}
