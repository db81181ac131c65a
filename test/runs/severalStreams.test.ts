import { copyFile, mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SightlineHost } from '../../main/host.ts';
import { MIGRATIONS } from '../../main/store/migrations/migrations.ts';
import { casePaths, openWriteDatabase } from '../../main/store/openDatabase.ts';
import type { Footage, ImportEvent } from '../../preload/contract/footage.ts';
import { wallMsFromPtsUs } from '../../preload/contract/time.ts';
import { frameNumber, runTool } from '../codedClips.ts';
import { temporaryFolder } from '../temporaryFolder.ts';
import { makeSpoiltSecond, makeStreams, REAR, SHORT, SHORT_REAR } from '../video/severalStreams.ts';
import { openTestHost, QUICK, runReaches } from './testHost.ts';

let folder: string;
let bus: string;
let host: SightlineHost;
beforeAll(async () => {
  folder = await temporaryFolder('streams');
  bus = join(folder, 'Bus 12');
  await mkdir(bus);
  host = await openTestHost({ folder, caseFolder: join(folder, 'case') });
});
afterAll(() => host.close());

async function importAll(paths: readonly string[], into = host): Promise<ImportEvent[]> {
  const events: ImportEvent[] = [];
  for await (const event of into.session.footage.import({ paths })) events.push(event);
  return events.filter(({ kind }) => kind !== 'scanning' && kind !== 'hashing');
}

const added = (events: readonly ImportEvent[]): Footage[] =>
  events.flatMap((event) => (event.kind === 'added' ? [event.footage] : []));

describe('importing a file with two video streams', () => {
  let path: string;
  let front: Footage;
  let rear: Footage;
  beforeAll(async () => {
    const lenses = [SHORT, { ...SHORT_REAR, startSec: 1 }];
    const args = ['-metadata', 'creation_time=2024-05-01T10:00:00Z'];
    path = await makeStreams(bus, 'trip.mkv', { lenses, args });
    const [first, second] = added(await importAll([path]));
    if (first === undefined || second === undefined) throw new Error('both are added');
    [front, rear] = [first, second];
  });

  it('makes a footage of each, with a camera of its own', () => {
    expect(rear).toMatchObject({ path, sha256: front.sha256, bytes: front.bytes, fileName: 'trip.mkv' });
    expect([front, rear]).toMatchObject([
      { camera: 'Bus 12', videoStream: 0, videoStreams: 2, indexedFrames: 40, notices: [] },
      { camera: 'Bus 12 · stream 2', videoStream: 1, videoStreams: 2, indexedFrames: 50 },
    ]);
  });

  it('gives both the same clock, and each its own beginning in it', () => {
    const startsMs = [front, rear].map((one) => wallMsFromPtsUs(one, one.startPtsUs));
    expect(startsMs).toEqual([Date.parse('2024-05-01T10:00:00Z'), Date.parse('2024-05-01T10:00:01Z')]);
  });

  it('analyses both, whole, and says so for each', async () => {
    const footageIds = [front.footageId, rear.footageId];
    const modelId = 'faster-rcnn-compact';
    const runIds = await host.session.runs.start({ footageIds, modelId, parameters: QUICK });
    const runs = [];
    for (const runId of runIds) runs.push(await runReaches(host, runId, ['done', 'incomplete', 'failed']));
    expect(runs).toMatchObject([
      { state: 'done', framesDecoded: 40 },
      { state: 'done', framesDecoded: 50 },
    ]);
    for (const { footageId, startPtsUs, endPtsUs } of [front, rear]) {
      const coverage = await host.session.footage.coverage({ footageId });
      expect(coverage).toEqual([{ kind: 'analysed', fromPtsUs: startPtsUs, toPtsUs: endPtsUs }]);
    }
  });

  it('shows pictures, frame times and a copy to play of the stream that is asked for', async () => {
    const get = async (rest: string): Promise<Response> =>
      host.handleMedia(new Request(`http://localhost/media/footage/${rest}`));
    // The same time in both, so that a picture of one kept under the name of the other would show.
    const ptsUs = 2_000_000;
    for (const [one, expected] of [
      [front, 20],
      [rear, REAR.firstNumber + 25],
    ] as const) {
      const still = await get(`${one.footageId}/still/${ptsUs}`);
      expect(still.status).toBe(200);
      const jpeg = join(folder, `${one.footageId}.jpg`);
      await writeFile(jpeg, Buffer.from(await still.arrayBuffer()));
      const grey = await runTool(['-i', jpeg, '-f', 'rawvideo', '-pix_fmt', 'gray', '-']);
      expect(frameNumber(grey, one, 1)).toBe(expected);
      const times = await get(`${one.footageId}/frame-times`);
      expect((await times.arrayBuffer()).byteLength).toBe(one.indexedFrames * 8);
    }
    const etags = await Promise.all([front, rear].map(({ footageId }) => get(`${footageId}/frame-times`)));
    expect(new Set(etags.map(({ headers }) => headers.get('etag'))).size).toBe(2);
    // Chromium would choose by flags in the file.
    for (const one of [front, rear]) {
      expect(await host.session.footage.playback({ footageId: one.footageId })).toMatchObject({
        source: 'proxyNeeded',
        notice: `A copy has to be made first, because stream ${one.videoStream + 1} of a file with 2 video streams does not play here.`,
      });
    }
    const { footageId } = rear;
    for await (const _event of host.session.footage.makeProxy({ footageId }));
    expect(await host.session.footage.playback({ footageId })).toMatchObject({
      source: 'proxy',
      originPtsUs: rear.startPtsUs,
    });
  });

  it('knows both again', async () => {
    const copy = join(folder, 'copy.mkv');
    await copyFile(path, copy);
    const events = await importAll([copy]);
    expect(events).toMatchObject([
      { kind: 'duplicate', path: copy, videoStream: 0, footageId: front.footageId },
      { kind: 'duplicate', path: copy, videoStream: 1, footageId: rear.footageId },
      { kind: 'finished', added: 0, duplicates: 2, refused: 0 },
    ]);
    expect(events[1]).toMatchObject({
      message: expect.stringMatching(/\(stream 2 of 2\).*copy\.mkv$/) as string,
    });
  });

  it('points both at the place that one of them was found in', async () => {
    const moved = join(folder, 'moved.mkv');
    await rename(path, moved);
    await host.session.footage.relocate({ footageId: rear.footageId, path: moved });
    const list = await host.session.footage.list();
    const both = list.filter(({ sha256 }) => sha256 === front.sha256);
    expect(both.map((one) => one.path)).toEqual([moved, moved]);
  });
});

describe('a file whose second stream cannot be looked at', () => {
  it.each(['noise', 'empty'] as const)(
    '(%s) gives its first, names the other, and the batch goes on',
    async (how) => {
      const spoilt = await makeSpoiltSecond(bus, `${how}.mkv`, how);
      const sound = await makeStreams(bus, `after-${how}.mp4`, {
        lenses: [{ ...SHORT, frames: how === 'noise' ? 20 : 30 }],
      });
      const events = await importAll([spoilt, sound]);
      expect(events).toMatchObject([
        { kind: 'added', path: spoilt, footage: { videoStream: 0, videoStreams: 2 } },
        { kind: 'refused', path: spoilt, videoStream: 1, error: { code: 'video.noFrames' } },
        { kind: 'added', path: sound, footage: { videoStream: 0, videoStreams: 1, camera: 'Bus 12' } },
        { kind: 'finished', added: 2, duplicates: 0, refused: 1 },
      ]);
      const refused = events.find((event) => event.kind === 'refused');
      expect(refused?.error.message).toMatch(/^Video stream 2 of 2: .*: \S.*\.mkv$/);
      const [front] = added(events);
      expect(front?.notices).toMatchObject([
        {
          kind: 'severalVideoStreams',
          text: expect.stringMatching(/^Not in the case and not looked at: Video stream 2/) as string,
        },
      ]);
      expect(await importAll([spoilt])).toMatchObject([
        { kind: 'duplicate', videoStream: 0 },
        { kind: 'refused', videoStream: 1 },
        { kind: 'finished' },
      ]);
    },
  );
});

const OLD_NOTICE =
  'The file has 2 video streams; only the first is used. To have the others looked at, copy each into a file of its own (ffmpeg -i FILE -map 0:V:1 -c copy NEW.mkv) and add those.';

/** A case of before, in which only the first stream of the file is. */
function makeOldCase(caseFolder: string, footage: Footage): void {
  const database = openWriteDatabase({
    databasePath: casePaths(caseFolder).database,
    newCase: { name: 'Old', appVersion: '0' },
    nowWallMs: 0,
    migrations: MIGRATIONS.slice(0, 3),
  });
  database.run("INSERT INTO cameras (name) VALUES ('Front lens')");
  const notices = [
    { kind: 'audioIgnored', text: 'The file has sound, which is not used.' },
    { kind: 'severalVideoStreams', text: OLD_NOTICE },
  ];
  database.run(
    `INSERT INTO footage (camera_id, path, file_name, sha256, size_bytes, container, codec, width_px, height_px,
       rotation_deg, start_pts_us, end_pts_us, indexed_frames, clock_start_wall_ms, clock_source, clock_offset_ms,
       clock_drift_ppm, clock_utc_offset_min, notices_json, added_wall_ms)
     VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?, 1000000, 'user', 5000, 0, 60, ?, ?)`,
    ...[footage.path, footage.fileName, footage.sha256, footage.bytes, footage.container, footage.codec],
    ...[footage.widthPx, footage.heightPx, footage.startPtsUs, footage.endPtsUs, footage.indexedFrames],
    ...[JSON.stringify(notices), footage.addedWallMs],
  );
  database.run(
    `INSERT INTO runs (footage_id, state, model_id, model_sha256, model_family, manifest_json, parameters_json,
       app_version, created_wall_ms) VALUES (1, 'incomplete', 'm', 'h', 'f', '{}', '{}', '0', 0)`,
  );
  database.run('UPDATE footage SET current_run_id = 1');
  database.close();
}

describe('a case from before every stream was added', () => {
  it('is told of the others, and gets them when the file is added again', async () => {
    const lenses = [SHORT, { ...SHORT_REAR, startSec: 2 }];
    const path = await makeStreams(bus, 'old.mkv', { lenses });
    const [known] = added(await importAll([path]));
    if (known === undefined) throw new Error('it was added');
    const caseFolder = join(folder, 'old case');
    await mkdir(caseFolder);
    makeOldCase(caseFolder, known);
    const old = await openTestHost({ folder, caseFolder });
    try {
      const [before] = await old.session.footage.list();
      expect(before).toMatchObject({ videoStream: 0, videoStreams: 2, currentRunId: 1 });
      expect(before?.notices[0]?.kind).toBe('audioIgnored');
      expect(before?.notices[1]?.text).toBe(
        'The file has 2 video streams; only the first is in the case. Add the file again to have the others looked at.',
      );
      expect(await importAll([path], old)).toMatchObject([
        { kind: 'duplicate', videoStream: 0, footageId: 1 },
        { kind: 'added', footage: { videoStream: 1, camera: 'Front lens · stream 2' } },
        { kind: 'finished', added: 1, duplicates: 1 },
      ]);
      const [front, rear] = await old.session.footage.list();
      expect(front).toMatchObject({ notices: [{ kind: 'audioIgnored' }], currentRunId: 1 });
      expect(rear?.clock).toEqual({ ...front?.clock, startWallMs: 1_002_000 });
    } finally {
      await old.close();
    }
  });
});
