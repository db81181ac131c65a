import { SvelteMap } from 'svelte/reactivity';
import type { CoverageInterval, CoverageKind, Footage } from '../../preload/contract/footage.ts';
import type { FootageId } from '../../preload/contract/ids.ts';
import type { CameraClock } from '../../preload/contract/time.ts';
import type { Api } from '../api/connection.svelte.ts';

/** The footage of the case with its coverage. */
export class FootageState {
  list = $state.raw<readonly Footage[]>([]);
  isLoaded = $state(false);
  readonly byId = $derived(new Map(this.list.map((footage) => [footage.footageId, footage])));
  /** By the clock is the better view once it shows most of the footage. */
  readonly hasMostlyClocks = $derived(
    this.list.filter(({ clock }) => clock.startWallMs !== null).length * 2 > this.list.length,
  );
  /** Cameras in several zones, or clocks that were changed in between: a time of day alone names no moment. */
  readonly hasSeveralZones = $derived(
    new Set(
      this.list.filter(({ clock }) => clock.startWallMs !== null).map(({ clock }) => clock.utcOffsetMin),
    ).size > 1,
  );
  readonly coverage = new SvelteMap<FootageId, readonly CoverageInterval[]>();
  readonly #api: Api;
  readonly #wanted = new Set<FootageId>();

  constructor(api: Api) {
    this.#api = api;
  }

  async load(): Promise<void> {
    const list = await this.#api.footage.list();
    this.list = list.toSorted(byCameraAndTime);
    this.isLoaded = true;
  }

  /** Forgets another case's footage. */
  clear(): void {
    this.list = [];
    this.isLoaded = false;
    this.coverage.clear();
    this.#wanted.clear();
  }

  /** Loads the coverage of a footage that came on screen, unless it is there or on its way. */
  async wantCoverage(footageId: FootageId): Promise<void> {
    if (this.#wanted.has(footageId)) return;
    this.#wanted.add(footageId);
    try {
      await this.loadCoverage(footageId);
    } catch (thrown) {
      this.#wanted.delete(footageId);
      throw thrown;
    }
  }

  async loadCoverage(footageId: FootageId): Promise<void> {
    this.coverage.set(footageId, await this.#api.footage.coverage({ footageId }));
  }

  async updateClock(footageId: FootageId, clock: CameraClock): Promise<void> {
    this.#replace(await this.#api.footage.updateClock({ footageId, clock }));
  }

  async updateCamera(footageId: FootageId, camera: string): Promise<void> {
    this.#replace(await this.#api.footage.updateCamera({ footageId, camera }));
  }

  async relocate(footageId: FootageId, path: string): Promise<void> {
    this.#replace(await this.#api.footage.relocate({ footageId, path }));
  }

  #replace(footage: Footage): void {
    this.list = this.list.map((old) => (old.footageId === footage.footageId ? footage : old));
  }
}

/** By camera, then by its clock, then by file name with the numbers in it counted, then by stream. */
function byCameraAndTime(a: Footage, b: Footage): number {
  const startMs = ({ clock }: Footage): number =>
    clock.startWallMs === null ? Number.MAX_SAFE_INTEGER : clock.startWallMs + clock.offsetMs;
  const byName = (one: string, other: string): number =>
    one.localeCompare(other, undefined, { numeric: true });
  return (
    byName(a.camera, b.camera) ||
    startMs(a) - startMs(b) ||
    byName(a.fileName, b.fileName) ||
    a.videoStream - b.videoStream
  );
}

/** Share of a footage's duration by what happened to it; shares add up to 1. */
export function coverageShares(
  intervals: readonly CoverageInterval[],
): ReadonlyArray<readonly [CoverageKind, number]> {
  const totalUs = intervals.reduce((sum, { fromPtsUs, toPtsUs }) => sum + toPtsUs - fromPtsUs, 0);
  if (totalUs <= 0) return [];
  return COVERAGE_ORDER.map(
    (kind) =>
      [
        kind,
        intervals.reduce((sum, part) => sum + (part.kind === kind ? part.toPtsUs - part.fromPtsUs : 0), 0) /
          totalUs,
      ] as const,
  ).filter(([, share]) => share > 0);
}

/** What could not be looked at, or not as it was recorded, a sentence each; empty where there is none of it. */
export function coverageTroubles(intervals: readonly CoverageInterval[]): string[] {
  const shares = coverageShares(intervals);
  const named = (...kinds: readonly CoverageKind[]): string =>
    shares
      .filter(([kind]) => kinds.includes(kind))
      .map(([kind, share]) => `${shareText(share)} ${COVERAGE_WORDS[kind].label.toLowerCase()}`)
      .join(', ');
  const unseen = named('undecodable', 'missing');
  const damaged = named('damaged');
  return [
    ...(unseen === '' ? [] : [`${unseen}: nobody looked there`]),
    ...(damaged === '' ? [] : [`${damaged}: parts of these pictures may be invented`]),
  ];
}

/** `38 %`, `under 1 %`. */
export function shareText(share: number): string {
  return `${share < 0.01 ? 'under 1' : Math.round(share * 100)} %`;
}

/** Order of the legend. */
export const COVERAGE_ORDER: readonly CoverageKind[] = [
  'analysed',
  'skipped',
  'damaged',
  'undecodable',
  'missing',
  'pending',
];

/** What each kind of coverage means, for a person. */
export const COVERAGE_WORDS: Readonly<Record<CoverageKind, { label: string; meaning: string }>> = {
  analysed: { label: 'Analysed', meaning: 'Frames here were looked at by the model.' },
  skipped: { label: 'Skipped', meaning: 'The motion gate saw no change here.' },
  damaged: {
    label: 'Damaged',
    meaning: 'The decoder reported errors: parts of these pictures may be invented.',
  },
  undecodable: { label: 'Undecodable', meaning: 'There is data here that gave no picture.' },
  missing: { label: 'Missing', meaning: 'The file claims footage here and has none.' },
  pending: { label: 'Pending', meaning: 'Not looked at yet.' },
};
