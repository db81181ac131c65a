import { appendFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Complaints } from '../../../main/video/complaints.ts';
import { sniffContainer } from '../../../main/video/containerClaims.ts';
import { footageExtent } from '../../../main/video/footageExtent.ts';
import { readFrameTimes, writeFrameTimes } from '../../../main/video/frameTimes.ts';
import { createLineSplitter } from '../../../main/video/lines.ts';
import type { FrameIndex } from '../../../main/video/frameIndex.ts';
import type { VideoProbe } from '../../../main/video/probe.ts';
import { createShowinfoReader } from '../../../main/video/showinfo.ts';
import type { ShownFrame } from '../../../main/video/showinfo.ts';
import { parseClockUs, parseInputDump, splitTopLevel } from '../../../main/video/streamDump.ts';
import { parseTimeBase, typicalFrameUs, usFromTicks } from '../../../main/video/timeBase.ts';
import { temporaryFolder } from '../../codedClips.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => (folder = await temporaryFolder()));
afterAll(() => folder.remove());

describe('usFromTicks', () => {
  it('equals exact integer arithmetic, rounded half up, for any base and sign', () => {
    const exact = (ticks: bigint, num: bigint, den: bigint): bigint => {
      const doubled = 2n * ticks * num * 1_000_000n + den;
      const floor = doubled / (2n * den);
      return doubled < 0n && doubled % (2n * den) !== 0n ? floor - 1n : floor;
    };
    let state = 1;
    const random = (below: number): number => (state = (state * 48_271) % 2_147_483_647) % below;
    for (const [num, den] of [
      [1, 90_000],
      [1001, 30_000],
      [1, 1_200_000],
      [1, 15_360],
      [1001, 24_000],
      [1, 3],
    ] as const) {
      for (let round = 0; round < 500; round += 1) {
        const ticks = (random(2_000_000_000) - 900_000_000) * (1 + random(1000));
        expect(usFromTicks(ticks, { num, den })).toBe(Number(exact(BigInt(ticks), BigInt(num), BigInt(den))));
      }
    }
  });

  it('refuses time bases that are none', () => {
    expect(parseTimeBase('1001/30000')).toEqual({ num: 1001, den: 30_000 });
    expect(['0/1', '1/0', 'x', '1'].map(parseTimeBase)).toEqual([null, null, null, null]);
  });

  it('takes the median gap for the usual frame', () => {
    expect(typicalFrameUs([0, 40, 80, 5_000, 5_040])).toBe(40);
    expect(typicalFrameUs([7])).toBe(40_000);
  });
});

describe('ffmpeg’s dump', () => {
  it('is split outside of brackets only, and its clock is read', () => {
    expect(
      splitTopLevel('h264 (High) (avc1 / 0x31), yuv420p(tv, bt709), 768x432 [SAR 1:1, x], 25 fps'),
    ).toEqual([...['h264 (High) (avc1 / 0x31)', 'yuv420p(tv, bt709)', '768x432 [SAR 1:1, x]', '25 fps']]);
    expect([parseClockUs('39:46:05.64'), parseClockUs('N/A')]).toEqual([143_165_640_000, null]);
  });

  it('is not misled by metadata that looks like it', () => {
    const dump = parseInputDump([
      "[info] Input #0, mov,mp4, from 'file:x, from 'y.mp4':",
      '[info]   Metadata:',
      '[info]     title           : Stream #0:0: Video: fake',
      '[info]     creation_time   : 2024-01-01T00:00:00.000000Z',
      '[info]   Duration: 00:00:04.00, start: 0.000000, bitrate: 2 kb/s',
      '[info]   Stream #0:0[0x1](und): Video: h264 (avc1 / 0x31637661), none, 4x4 (attached pic)',
      '[info]     Metadata:',
      '[info]       creation_time   : 1999-01-01T00:00:00.000000Z',
      '[info]       displaymatrix: rotation of -90.00 degrees',
      '[info]   Stream #0:1: Audio: aac',
      '[info] Stream mapping:',
      '[info]   Stream #0:2: Video: of the output',
    ]);
    expect(dump?.streams.map(({ kind }) => kind)).toEqual(['Video', 'Audio']);
    expect(dump?.streams[0]).toMatchObject({ isAttachedPicture: true, rotationCcwDeg: -90 });
    expect(dump?.metadata.get('creation_time')).toBe('2024-01-01T00:00:00.000000Z');
    expect(parseInputDump(['[error] file:x: Invalid data'])).toBeNull();
  });

  it('gives complaints once, without addresses and full stops', () => {
    const complaints = new Complaints({ videoStreams: 1 });
    for (const address of ['0x1', '0x2']) complaints.read(`[h264 @ ${address}] [error] no frame!`);
    complaints.read('[info] nothing');
    complaints.read('[fatal] over');
    complaints.read('[h264 @ 0x1] [error] Invalid NAL unit size (0 > 4642).');
    expect(complaints.list()).toEqual(['h264: no frame!', 'over', 'h264: Invalid NAL unit size (0 > 4642)']);
  });
});

describe('showinfo', () => {
  it('is read in the forms of ffmpeg 5 and 7, with the time base of its own filter', () => {
    const all: ShownFrame[] = [];
    const read = createShowinfoReader({ all: (frame) => all.push(frame), selected: () => undefined });
    read('[showinfo@all @ 0x5] [info] n:   9 pts:   9 pts_time:9 pos: 1 fmt:gray sar:0/1 s:1x1 i:P');
    read('[showinfo@all @ 0x5] [info] config in time_base: 1/25000, frame_rate: 25/2');
    read('[showinfo@sel @ 0x5] [info] config in time_base: 1/7, frame_rate: 25/2');
    read(
      '[showinfo@all @ 0x5] [info] n:   1 pts:   2000 pts_time:0.08    pos:    46023 fmt:yuv420p sar:0/1 s:768x432 i:P iskey:0 type:P ',
    );
    read(
      '[showinfo@all @ 0x5] [info] n:   2 pts:  -4000 pts_time:-0.16   duration:   2000 duration_time:0.08    fmt:yuv420p cl:left sar:16/11 s:640x480 i:P iskey:0 type:P ',
    );
    read('[showinfo@all @ 0x5] [info] n:   3 pts:   NOPTS pts_time:NOPTS pos: 1 fmt:gray sar:0/1 s:1x1 i:P');
    const plain = { isKeyFrame: false, isBidirectional: false };
    expect(all).toEqual([
      { ptsUs: 80_000, widthPx: 768, heightPx: 432, pixelAspect: 1, ...plain },
      { ...{ ptsUs: -160_000, widthPx: 640, heightPx: 480, pixelAspect: 16 / 11 }, ...plain },
    ]);
  });

  it('is read behind a remark without a line break', () => {
    const times: number[] = [];
    const read = createShowinfoReader({ all: ({ ptsUs }) => times.push(ptsUs), selected: () => undefined });
    read('(ffmpeg-devel@ffmpeg.org)config in time_base: 1/10240, frame_rate: 5/1');
    read(
      '[showinfo@all @ 0x5] [info] n:   1 pts:   2048 pts_time:0.2     pos:     4471 fmt:yuv420p sar:1/1 s:160x96 i:P iskey:0 type:P ',
    );
    expect(times).toEqual([200_000]);
  });
});

describe('lines', () => {
  it('are the same however the text is cut', () => {
    const text = 'one\ntwo\r\nthree\rfour\n\nfive';
    for (let size = 1; size <= text.length; size += 1) {
      const lines: string[] = [];
      const splitter = createLineSplitter((line) => lines.push(line));
      for (let at = 0; at < text.length; at += size) splitter.push(text.slice(at, at + size));
      splitter.end();
      expect(lines).toEqual(['one', 'two', 'three', 'four', 'five']);
    }
  });
});

describe('sniffContainer', () => {
  it('goes by bytes', () => {
    const sync = new Uint8Array(400);
    sync[0] = sync[188] = 0x47;
    const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1');
    expect(sniffContainer(sync)).toBe('mpegts');
    expect(sniffContainer(bytes('\0\0\0\x18ftypisom'))).toBe('mp4');
    expect(sniffContainer(bytes('\x1a\x45\xdf\xa3'))).toBe('matroska');
    expect(sniffContainer(bytes('RIFF\0\0\0\0AVI LIST'))).toBe('avi');
    expect(sniffContainer(bytes('#EXTM3U'))).toBe('other');
  });
});

describe('frame times on disk', () => {
  it('come back as they were, and leave nothing else behind', async () => {
    const path = join(folder.path, 'times.bin');
    const timesUs = Float64Array.from([-333_333, 0, 33_367, 59_857_456_056]);
    await writeFrameTimes(path, timesUs);
    expect(await readFrameTimes(path)).toEqual(timesUs);
    expect(await readdir(folder.path)).toEqual(['times.bin']);
    await appendFile(path, 'x');
    await expect(readFrameTimes(path)).rejects.toMatchObject({ code: 'case.damaged' });
    await writeFile(path, new Float64Array([2, 1]));
    await expect(readFrameTimes(path)).rejects.toMatchObject({ code: 'case.damaged' });
  });
});

describe('footageExtent', () => {
  const index = (
    frames: number,
  ): Omit<FrameIndex, 'losses' | 'isRepaired' | 'hasSizeChanges' | 'complaints'> => ({
    frameTimesUs: Float64Array.from({ length: frames }, (_, at) => at * 40_000),
    lastFrameEndUs: frames * 40_000,
    packets: frames,
    hiddenPackets: 0,
    brokenTimesUs: new Float64Array(0),
    placeholders: 0,
    laterStreams: 0,
    source: 'demuxed',
  });
  type Claims = Pick<
    VideoProbe,
    | 'claimedFrames'
    | 'claimedDurationUs'
    | 'isClaimShared'
    | 'containerDurationUs'
    | 'videoStreams'
    | 'isInterlaced'
    | 'codec'
  >;
  const claims = (frames: number | null, seconds: number | null): Claims => ({
    claimedFrames: frames,
    claimedDurationUs: seconds === null ? null : seconds * 1_000_000,
    containerDurationUs: null,
    isInterlaced: false,
    isClaimShared: false,
    videoStreams: 1,
    codec: 'h264',
  });
  const kinds = (frames: number, claimed: Claims): string[] =>
    footageExtent(index(frames), claimed).notices.map(({ kind }) => kind);

  it('goes to the claimed end of a file that was cut', () => {
    const cut = footageExtent(index(63), claims(100, 4));
    expect(cut).toMatchObject({ startPtsUs: 0, endPtsUs: 4_000_000 });
    expect(cut.notices).toEqual([
      { kind: 'endMissing', text: 'The file is incomplete: the last 1.5 s are missing.' },
      {
        kind: 'framesMissing',
        text: 'The file is incomplete: its header announces 100 frames and 63 are there.',
      },
    ]);
    expect(footageExtent(index(63), claims(null, 4)).endPtsUs).toBe(4_000_000);
  });

  it('ends with the last frame where the claim is met, absent, smaller, or not to be believed', () => {
    const ends = [
      claims(100, 4),
      claims(100, 4.05),
      claims(null, null),
      claims(50, 2),
      claims(100, 5),
      claims(null, 3_900),
    ];
    for (const claimed of ends) expect(footageExtent(index(100), claimed).endPtsUs).toBe(4_000_000);
    expect(kinds(100, claims(null, 3_900))).toEqual(['durationImplausible']);
    expect(kinds(100, { ...claims(null, null), containerDurationUs: 143_165_576_500 })).toEqual([
      'durationImplausible',
    ]);
    expect(kinds(100, claims(110, 3_900))).toEqual(['framesMissing', 'durationImplausible']);
    expect(kinds(100, claims(100, 4.05))).toEqual([]);
  });

  it('lets sound go on a little longer than the pictures, and no more', () => {
    const shared = (seconds: number): Claims => ({ ...claims(null, seconds), isClaimShared: true });
    expect(kinds(100, shared(5.9))).toEqual([]);
    expect(kinds(100, shared(6.1))).toEqual(['endMissing']);
  });

  it('does not take the time before the first frame for a claim of more', () => {
    const late = index(100);
    late.frameTimesUs.forEach((timeUs, at, timesUs) => (timesUs[at] = timeUs + 36_000_000_000));
    const extent = footageExtent({ ...late, lastFrameEndUs: 36_004_000_000 }, claims(100, 36_004));
    expect(extent.notices).toEqual([]);
  });

  it('counts packets that gave no picture where no header counts frames', () => {
    const decoded = { ...index(23), packets: 27, source: 'decoded' as const };
    expect(footageExtent(decoded, claims(null, null)).notices).toEqual([
      {
        kind: 'framesMissing',
        text: 'Parts of the file are damaged: of its 27 frames, 4 cannot be decoded.',
      },
    ]);
    expect(footageExtent(decoded, { ...claims(null, null), codec: 'vp8' }).notices).toEqual([]);
  });

  it('counts what decoded where the index was made by decoding, but never fields as missing frames', () => {
    const decoded = { ...index(98), packets: 100, source: 'decoded' as const };
    expect(footageExtent(decoded, claims(100, 4)).notices).toEqual([
      {
        kind: 'framesMissing',
        text: 'The file is incomplete: its header announces 100 frames and 98 can be decoded.',
      },
    ]);
    expect(footageExtent({ ...decoded, placeholders: 2 }, claims(100, 4)).notices).toEqual([]);
    const fields = { ...index(50), lastFrameEndUs: 4_000_000, packets: 100, source: 'decoded' as const };
    expect(footageExtent(fields, { ...claims(100, 4), isInterlaced: true }).notices).toEqual([]);
  });

  it('says where no picture was recorded', () => {
    const frameTimesUs = Float64Array.of(0, 40_000, 80_000, 60_000_000, 60_040_000, 64_000_000);
    const { notices } = footageExtent(
      { ...index(6), frameTimesUs, lastFrameEndUs: 64_040_000 },
      claims(6, 64),
    );
    expect(notices).toEqual([
      {
        kind: 'recordingGap',
        text: 'The recording has a hole without any picture, 59.9 s in all; from 0:00:00.120.',
      },
    ]);
  });

  it('never ends before the last frame does, whatever is claimed', () => {
    for (let frames = 1; frames < 60; frames += 7) {
      for (const claimedFrames of [null, 0, 1, 30, 60, 4_000_000_000]) {
        for (const seconds of [null, 0, 0.04, 1, 2.4, 1e5, 1e12]) {
          const { startPtsUs, endPtsUs } = footageExtent(index(frames), claims(claimedFrames, seconds));
          expect(endPtsUs).toBeGreaterThanOrEqual(frames * 40_000);
          expect(startPtsUs).toBe(0);
        }
      }
    }
  });
});
