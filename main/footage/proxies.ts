import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Playback, ProxyEvent } from '../../preload/contract/footage.ts';
import type { FootageId } from '../../preload/contract/ids.ts';
import { progressOf } from '../progressEvents.ts';
import type { StoredFootage } from '../store/store.ts';
import { probeVideo } from '../video/probe.ts';
import { makeProxy, playsInChromium } from '../video/proxy.ts';
import { hasOthers } from '../video/videoSource.ts';
import { checkOriginal } from './original.ts';

/** Often enough for a bar that moves. */
const PROGRESS_EVERY_MS = 200;

/** What is kept beside a proxy: the media time of its time 0. */
const ProxyFacts = z.object({ originPtsUs: z.number().int() });

export interface ProxiesOptions {
  readonly caseFolder: string;
  readonly findFfmpegPath: () => Promise<string>;
  readonly closing: AbortSignal;
}

/**
 * How the player gets pictures of each footage: the original where Chromium plays it, else a copy in
 * `cache/proxies/<footageId>.mp4`, made when asked for, one at a time.
 */
export class Proxies {
  readonly #options: ProxiesOptions;
  readonly #folder: string;
  /** Whether Chromium plays the original; asking the file again each time would cost a process. */
  readonly #isPlayable = new Map<FootageId, boolean>();
  #lastMade: Promise<unknown> = Promise.resolve();

  constructor(options: ProxiesOptions) {
    this.#options = options;
    this.#folder = join(options.caseFolder, 'cache', 'proxies');
  }

  /** Where the footage's proxy lies, made or not. */
  path({ footageId }: Pick<StoredFootage, 'footageId'>): string {
    return join(this.#folder, `${footageId}.mp4`);
  }

  /** @throws AppError of the original, while there is no proxy to play instead. */
  async playback(footage: StoredFootage): Promise<Playback> {
    const { footageId } = footage;
    const media = `/media/footage/${footageId}`;
    const common = { footageId, frameTimesUrl: `${media}/frame-times` };
    const facts = await this.#factsOfProxy(footage);
    if (facts !== null) {
      const notice = `This is a copy made for playing, because ${unplayableText(footage)} does not play here. Stills and clips come from the original.`;
      return {
        ...common,
        source: 'proxy',
        mediaUrl: `${media}/proxy`,
        originPtsUs: facts.originPtsUs,
        notice,
      };
    }
    if (await this.#playsOriginal(footage)) {
      return { ...common, source: 'original', mediaUrl: `${media}/original`, originPtsUs: 0, notice: null };
    }
    const notice = `A copy has to be made first, because ${unplayableText(footage)} does not play here.`;
    return { ...common, source: 'proxyNeeded', mediaUrl: null, originPtsUs: footage.startPtsUs, notice };
  }

  /** Makes the footage's proxy where there is none; leaving the loop early gives it up. */
  async *make(footage: StoredFootage, signal: AbortSignal): AsyncGenerator<ProxyEvent> {
    yield* progressOf(
      (onProgress, workSignal) => this.#makeNext(footage, { signal: workSignal, onProgress }),
      signal,
    );
    yield { kind: 'done', playback: await this.playback(footage) };
  }

  async #makeNext(
    footage: StoredFootage,
    options: { readonly signal: AbortSignal; readonly onProgress: (doneFrac: number) => void },
  ): Promise<void> {
    const made = this.#lastMade
      .catch(() => undefined)
      .then(async () => {
        options.signal.throwIfAborted();
        if ((await this.#factsOfProxy(footage)) === null) await this.#make(footage, options);
      });
    this.#lastMade = made;
    return made;
  }

  async #make(
    footage: StoredFootage,
    { signal, onProgress }: { readonly signal: AbortSignal; readonly onProgress: (doneFrac: number) => void },
  ): Promise<void> {
    await checkOriginal(footage, signal);
    await mkdir(this.#folder, { recursive: true });
    let toldMs = -Infinity;
    const { originPtsUs } = await makeProxy({
      ffmpegPath: await this.#options.findFfmpegPath(),
      source: footage,
      outputPath: this.path(footage),
      endPtsUs: footage.endPtsUs,
      signal,
      onProgress: (doneFrac) => {
        if (performance.now() - toldMs < PROGRESS_EVERY_MS) return;
        toldMs = performance.now();
        onProgress(doneFrac);
      },
    });
    await writeFile(this.#factsPath(footage), JSON.stringify({ originPtsUs }));
  }

  /** What is known of the footage's proxy; null when there is none, or not a whole one. */
  async #factsOfProxy(footage: StoredFootage): Promise<z.infer<typeof ProxyFacts> | null> {
    try {
      await stat(this.path(footage));
      return ProxyFacts.parse(JSON.parse(await readFile(this.#factsPath(footage), 'utf8')));
    } catch {
      return null;
    }
  }

  #factsPath({ footageId }: StoredFootage): string {
    return join(this.#folder, `${footageId}.json`);
  }

  async #playsOriginal(footage: StoredFootage): Promise<boolean> {
    // Which of several streams Chromium plays, flags in the file decide: measured, the second where MP4's first is off.
    if (hasOthers(footage)) return false;
    const known = this.#isPlayable.get(footage.footageId);
    if (known !== undefined) return known;
    const ffmpegPath = await this.#options.findFfmpegPath();
    const probe = await probeVideo(footage, { ffmpegPath, signal: this.#options.closing });
    const isPlayable = playsInChromium(probe, footage);
    this.#isPlayable.set(footage.footageId, isPlayable);
    return isPlayable;
  }
}

function unplayableText(footage: StoredFootage): string {
  const { codec, container, videoStream, videoStreams } = footage;
  return hasOthers(footage)
    ? `stream ${videoStream + 1} of a file with ${videoStreams} video streams`
    : `${codec} in ${container}`;
}
