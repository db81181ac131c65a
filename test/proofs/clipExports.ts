/**
 * The proof that clips are what they say: 20 random exports over constant, variable, B-frame, rotated and odd
 * sources, half of them stream copies. Each is checked here once more, by ffmpeg's own command line and not by the
 * product's code: for a copy every frame's MD5 against a decode of the whole recording; for an exact clip the number
 * of frames, their times, and (generated clips) the frame number coded in the pixels of every frame.
 * Run: node_modules/.bin/node test/proofs/clipExports.ts [SEED]
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import type { ClipSource } from '../../main/evidence/clipPlan.ts';
import { errorDataFrom } from '../../preload/contract/errors.ts';
import type { ClipMode, Exhibit } from '../../preload/contract/evidence.ts';
import {
  clipJob,
  finishExport,
  openClipSource,
  randomIntegers,
  requestFrames,
} from '../evidence/clipSource.ts';
import { makeExportedClip, readCodedNumbers } from '../codedClips.ts';
import type { ExportedClip } from '../codedClips.ts';
import { sharedPath } from '../sharedMaterial.ts';

const EXPORTS = 20;
const GENERATED: ExportedClip[] = [
  ...(['constant', 'variable', 'bFrames', 'rotated', 'openGop'] as const),
  ...(['transport', 'partTwoB', 'editList', 'fractional'] as const),
];
const SHARED = [
  'plaza-pedestrians.mp4',
  'car-detection.mp4',
  'dashcam-hevc.mp4',
  'pets-s2l1.avi',
  'highway-mpeg4.avi',
];
const MAX_FRAMES = 120;
const run = promisify(execFile);

interface Frame {
  readonly ptsUs: number;
  readonly md5: string;
}

/** Every frame of a file by one plain ffmpeg call from its start. */
async function decodeAll(path: string): Promise<Frame[]> {
  const { stdout } = await run(
    'ffmpeg',
    [
      ...['-v', 'error', '-copyts', '-i', path, '-map', '0:v:0', '-vf', 'settb=1/1000000'],
      ...['-fps_mode', 'passthrough', '-enc_time_base', '1/1000000', '-f', 'framemd5', '-'],
    ],
    { maxBuffer: 1 << 28 },
  );
  const lines = stdout.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return lines.map((line) => {
    const fields = line.split(',').map((field) => field.trim());
    return { ptsUs: Number(fields[2]), md5: fields[5] ?? '' };
  });
}

const decoded = new Map<string, Promise<Frame[]>>();
function recordingOf(path: string): Promise<Frame[]> {
  const frames = decoded.get(path) ?? decodeAll(path);
  decoded.set(path, frames);
  return frames;
}

/** What is wrong with an exported clip, or null. */
async function faultOf(
  exhibit: Exhibit,
  source: ClipSource,
  clip: ExportedClip | null,
): Promise<string | null> {
  const all = await recordingOf(source.footage.path);
  const first = all.findIndex((frame) => frame.ptsUs === exhibit.firstPtsUs);
  const last = all.findIndex((frame) => frame.ptsUs === exhibit.lastPtsUs);
  const stated = all.slice(first, last + 1);
  const made = await decodeAll(exhibit.path);
  if (first < 0 || last < 0) return 'stated frames are not in the recording';
  if (made.length !== stated.length || made.length !== exhibit.frames)
    return `${made.length} frames, stated ${stated.length}`;
  const toleranceUs = exhibit.mode === 'exact' ? 1 : 1000;
  const origin = { made: made[0]?.ptsUs ?? 0, stated: stated[0]?.ptsUs ?? 0 };
  for (const [i, frame] of made.entries()) {
    const other = stated[i];
    if (other === undefined) return 'frame missing';
    if (Math.abs(frame.ptsUs - origin.made - (other.ptsUs - origin.stated)) > toleranceUs)
      return `frame ${i} is at another time`;
    if (exhibit.mode === 'copy' && frame.md5 !== other.md5) return `frame ${i} has other pixels`;
  }
  if (exhibit.firstPtsUs > exhibit.askedFromPtsUs || exhibit.lastPtsUs < exhibit.askedToPtsUs)
    return 'asked frames missing';
  if (exhibit.mode === 'copy') return null;
  if (exhibit.firstPtsUs !== exhibit.askedFromPtsUs || exhibit.lastPtsUs !== exhibit.askedToPtsUs)
    return 'other ends';
  return clip === null ? null : codedFault(exhibit, source, clip);
}

async function codedFault(exhibit: Exhibit, source: ClipSource, clip: ExportedClip): Promise<string | null> {
  const turned = clip === 'rotated';
  const [all, made] = [
    await readCodedNumbers(source.footage.path, turned),
    await readCodedNumbers(exhibit.path, turned),
  ];
  const start = source.frameTimesUs.indexOf(exhibit.firstPtsUs);
  const wrong = made.findIndex((number, i) => number !== all[start + i]);
  return wrong < 0 ? null : `frame ${wrong} shows number ${made[wrong]}, not ${all[start + wrong]}`;
}

async function openSources(
  folder: string,
): Promise<Array<{ source: ClipSource; clip: ExportedClip | null }>> {
  const sources: Array<{ source: ClipSource; clip: ExportedClip | null }> = [];
  for (const clip of GENERATED) {
    sources.push({ source: await openClipSource(await makeExportedClip(folder, clip)), clip });
  }
  for (const name of SHARED) {
    const path = sharedPath(`footage/${name}`);
    if (path !== null) sources.push({ source: await openClipSource(path), clip: null });
  }
  return sources;
}

async function main(): Promise<number> {
  const random = randomIntegers(Number(process.argv[2] ?? 2026));
  const folder = await mkdtemp(join(tmpdir(), 'sightline-clip-exports-'));
  let right = 0;
  try {
    const sources = await openSources(folder);
    console.log(['source', 'mode', 'asked frames', 'clip frames', 'clip', 'result'].join(' | '));
    for (let i = 0; i < EXPORTS; i++) {
      const { source, clip } = sources[i % sources.length] ?? sources[0] ?? { source: null, clip: null };
      if (source === null) break;
      const mode: ClipMode = random(2) === 0 ? 'copy' : 'exact';
      const frames = source.frameTimesUs.length;
      const length = 1 + random(Math.min(MAX_FRAMES, frames));
      const first = random(frames - length + 1);
      const request = requestFrames(source, first, first + length - 1, { mode });
      const line = [basename(source.footage.path), mode, `${first}..${first + length - 1}`];
      try {
        const job = await clipJob(request, source, join(folder, 'exhibits'));
        const { exhibit } = await finishExport(job);
        const start = source.frameTimesUs.indexOf(exhibit.firstPtsUs);
        const fault = await faultOf(exhibit, source, clip);
        if (fault === null) right++;
        line.push(`${start}..${start + exhibit.frames - 1}`, basename(exhibit.path), fault ?? 'equal');
      } catch (error) {
        const { code, message } = errorDataFrom(error);
        line.push('-', '-', `${code}: ${message}`);
      }
      console.log(line.join(' | '));
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  console.log(`${right} of ${EXPORTS}`);
  return right === EXPORTS ? 0 : 1;
}

process.exitCode = await main();
