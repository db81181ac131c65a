import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { ClipSource } from '../../main/evidence/clipPlan.ts';
import { findFfmpeg } from '../../main/video/ffmpegBinary.ts';
import type { ClipRequest } from '../../preload/contract/evidence.ts';
import { clipJob, finishExport, openClipSource, requestFrames } from './clipSource.ts';
import { makeExportedClip } from '../codedClips.ts';

let folder = '';
let source: ClipSource;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sightline-lacking-'));
  source = await openClipSource(await makeExportedClip(folder, 'constant'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));
afterEach(() => vi.unstubAllEnvs());

async function exportWith(ffmpegPath: string, options: Partial<ClipRequest>): Promise<unknown> {
  const { path } = await findFfmpeg({ env: { FFMPEG_PATH: ffmpegPath } });
  const own = { ...source, ffmpegPath: path };
  return finishExport(await clipJob(requestFrames(own, 10, 20, options), own, join(folder, 'exhibits')));
}

/** A program in front of the real ffmpeg that refuses, as ffmpeg does, what a build without that part refuses. */
async function ffmpegWithout(argument: string, complaint: string): Promise<string> {
  const path = join(folder, `ffmpeg-without-${argument.replace(/\W/g, '')}`);
  const script = `#!/bin/sh
case "$*" in *${argument}*) echo "${complaint}" >&2; exit 1;; esac
exec "${source.ffmpegPath}" "$@"
`;
  await writeFile(path, script);
  await chmod(path, 0o755);
  return path;
}

describe.skipIf(process.platform === 'win32')('an ffmpeg or a machine that lacks something', () => {
  it('without libass: says so, and what to do', async () => {
    const path = await ffmpegWithout('ass=filename', "[AVFilterGraph @ 0x1] [error] No such filter: 'ass'");
    await expect(exportWith(path, { burnTimes: true })).rejects.toMatchObject({
      code: 'ffmpeg.failed',
      message: expect.stringMatching(/without libass.*FFMPEG_PATH.*without boxes and times/) as string,
    });
    expect(await readdir(join(folder, 'exhibits'))).toEqual([]);
    await exportWith(path, {});
  });

  it('without libx264: says so, and that a copy needs none', async () => {
    const path = await ffmpegWithout('libx264', "[fatal] Unknown encoder 'libx264'");
    await expect(exportWith(path, {})).rejects.toMatchObject({
      code: 'ffmpeg.failed',
      message: expect.stringMatching(/without libx264.*FFMPEG_PATH.*copy/) as string,
    });
    await exportWith(path, { mode: 'copy' });
  });

  it('without any font: refuses a clip whose times would not be there', async () => {
    const empty = join(folder, 'no fonts');
    await mkdir(empty);
    const config = join(folder, 'fonts.conf');
    await writeFile(config, `<?xml version="1.0"?><fontconfig><dir>${empty}</dir></fontconfig>`);
    vi.stubEnv('FONTCONFIG_FILE', config);
    await expect(exportWith(source.ffmpegPath, { burnTimes: true })).rejects.toMatchObject({
      code: 'ffmpeg.failed',
      message: expect.stringMatching(/No font.*Install a font/) as string,
    });
  });
});
