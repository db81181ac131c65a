import type { ClassBins, TimelineQuery } from '../../../preload/contract/timeline.ts';
import type { ReadDatabase } from '../database.ts';
import {
  bandFromScore,
  binFromPtsUs,
  binUsOfLevel,
  CHUNK_BINS,
  forEachCount,
  levelFromPixelUs,
} from '../timelineBins.ts';
import type { FootageOnAxis } from './timelineAxis.ts';

/** A lane's detections per class and pixel column, added up footage by footage. */
export class LaneDensity {
  readonly #query: TimelineQuery;
  readonly #pixelMs: number;
  /** Detections by pixel column, for each class that has any in range. */
  readonly #columnsByClass = new Map<number, Uint32Array>();

  constructor(query: TimelineQuery) {
    this.#query = query;
    this.#pixelMs = (query.toMs - query.fromMs) / query.widthPx;
  }

  /** Adds what the current run of a footage saw in range. */
  addFootage(db: ReadDatabase, one: FootageOnAxis, classIds: readonly number[]): void {
    const runId = one.footage.currentRunId;
    if (runId === null) return;
    // Media time runs at another rate than the axis only by the clock's drift: no reason to pick another level.
    const level = levelFromPixelUs(this.#pixelMs * 1000);
    const stretch = {
      runId,
      classIds: JSON.stringify(classIds),
      fromPtsUs: Math.max(one.footage.startPtsUs, one.ptsUsFromMs(this.#query.fromMs)),
      toPtsUs: Math.min(one.footage.endPtsUs, one.ptsUsFromMs(this.#query.toMs)),
    };
    if (level === null) this.#addDetections(db, one, stretch);
    else this.#addBins(db, one, stretch, level);
  }

  /** Parallel arrays over the columns that have anything, a class at a time in the order of class ids. */
  bins(classNames: ReadonlyMap<number, string>): ClassBins[] {
    return [...this.#columnsByClass]
      .toSorted(([a], [b]) => a - b)
      .map(([classId, columns]) => {
        const xPx: number[] = [];
        const detections: number[] = [];
        for (let x = 0; x < columns.length; x++) {
          if (columns[x] === 0) continue;
          xPx.push(x);
          detections.push(columns[x]!);
        }
        return { className: classNames.get(classId) ?? '', xPx, detections };
      })
      .filter((bins) => bins.xPx.length > 0);
  }

  #addBins(db: ReadDatabase, one: FootageOnAxis, stretch: Stretch, level: number): void {
    const rows = db.all<{ class_id: number; chunk: number; counts: Uint8Array }>(
      `SELECT class_id, chunk, counts FROM timeline_bins
       WHERE run_id = ? AND level = ? AND class_id IN (SELECT value FROM json_each(?)) AND chunk BETWEEN ? AND ?`,
      stretch.runId,
      level,
      stretch.classIds,
      Math.floor(binFromPtsUs(level, stretch.fromPtsUs) / CHUNK_BINS),
      Math.floor(binFromPtsUs(level, stretch.toPtsUs) / CHUNK_BINS),
    );
    const minBand = bandFromScore(this.#query.filter.minScore);
    const xsOfChunk = new Map<number, Int32Array>();
    for (const row of rows) {
      const xs = xsOfChunk.get(row.chunk) ?? this.#xsOfBins(one, stretch, level, row.chunk);
      xsOfChunk.set(row.chunk, xs);
      const columns = this.#columnsOfClass(row.class_id);
      forEachCount(row.counts, minBand, (bin, count) => {
        const x = xs[bin]!;
        if (x >= 0) columns[x]! += count;
      });
    }
  }

  /**
   * Pixel column of each bin of a chunk, -1 for one outside the range. A bin belongs to the column that the middle of
   * its part in range is in: it is at most a pixel wide, so that is half a pixel off at most.
   */
  #xsOfBins(one: FootageOnAxis, stretch: Stretch, level: number, chunk: number): Int32Array {
    const binUs = binUsOfLevel(level);
    return Int32Array.from({ length: CHUNK_BINS }, (_, bin) => {
      const startUs = (chunk * CHUNK_BINS + bin) * binUs;
      const fromUs = Math.max(startUs, stretch.fromPtsUs);
      const toUs = Math.min(startUs + binUs, stretch.toPtsUs);
      return fromUs < toUs ? this.#xFromMs(one.msFromPtsUs((fromUs + toUs) / 2)) : -1;
    });
  }

  #addDetections(db: ReadDatabase, one: FootageOnAxis, stretch: Stretch): void {
    const rows = db.all<{ class_id: number; pts_us: number; detections: number }>(
      `SELECT class_id, pts_us, COUNT(*) AS detections FROM detections INDEXED BY detections_by_class
       WHERE run_id = ? AND class_id IN (SELECT value FROM json_each(?)) AND pts_us BETWEEN ? AND ? AND score >= ?
       GROUP BY class_id, pts_us`,
      stretch.runId,
      stretch.classIds,
      stretch.fromPtsUs,
      stretch.toPtsUs,
      this.#query.filter.minScore,
    );
    for (const row of rows) {
      const x = this.#xFromMs(one.msFromPtsUs(row.pts_us));
      if (x >= 0) this.#columnsOfClass(row.class_id)[x]! += row.detections;
    }
  }

  /** Pixel column of a time on the axis, -1 outside the range. */
  #xFromMs(ms: number): number {
    const x = Math.floor((ms - this.#query.fromMs) / this.#pixelMs);
    return x < this.#query.widthPx ? Math.max(x, -1) : -1;
  }

  #columnsOfClass(classId: number): Uint32Array {
    const known = this.#columnsByClass.get(classId);
    if (known !== undefined) return known;
    const columns = new Uint32Array(this.#query.widthPx);
    this.#columnsByClass.set(classId, columns);
    return columns;
  }
}

interface Stretch {
  readonly runId: number;
  /** JSON list of class ids. */
  readonly classIds: string;
  readonly fromPtsUs: number;
  readonly toPtsUs: number;
}
