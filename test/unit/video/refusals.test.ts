import { copyFile, mkdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findFfmpeg, unpackedPath } from '../../../main/video/ffmpegBinary.ts';
import { inputArguments, runFfmpeg } from '../../../main/video/ffmpegProcess.ts';
import { inspectFootage } from '../../../main/video/inspect.ts';
import { onlyVideo } from '../../../main/video/videoSource.ts';
import { encodeClip, ffmpegPath, runTool, temporaryFolder } from '../../codedClips.ts';

const X264 = ['-c:v', 'libx264', '-preset', 'veryfast', '-pix_fmt', 'yuv420p'];
const signal = new AbortController().signal;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let clip = '';
const inFolder = (name: string): string => join(folder.path, name);
const inspect = (path: string): ReturnType<typeof inspectFootage> =>
  inspectFootage(onlyVideo(path), { ffmpegPath, signal });

beforeAll(async () => {
  folder = await temporaryFolder();
  clip = inFolder('clip.mp4');
  await encodeClip({ frames: 100, rate: '25', args: [...X264, '-g', '25', '-movflags', '+faststart', clip] });
});
afterAll(() => folder.remove());

describe('inspectFootage refuses', () => {
  it.each([
    ['an HLS playlist', '#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\nclip.mp4\n#EXT-X-ENDLIST\n'],
    ['a list for concat', "ffconcat version 1.0\nfile 'clip.mp4'\n"],
  ])('%s, whatever it is called', async (_what, text) => {
    const path = inFolder('playlist.mp4');
    await writeFile(path, text);
    await expect(inspect(path)).rejects.toMatchObject({
      code: 'video.unsupportedFormat',
      message: expect.stringMatching(/playlist.*playlist\.mp4$/) as string,
    });
  });

  it.each([
    ['a ZIP archive', 'PK\x03\x04', 0, /archive\. Unpack it/],
    ['a TAR archive', 'ustar', 257, /archive\. Unpack it/],
    ['a program', 'MZ', 0, /program\..* export it/],
    [
      'a document, which is a ZIP archive too',
      `PK\x03\x04${'\0'.repeat(26)}[Content_Types].xml`,
      0,
      /not a video/,
    ],
  ])('%s, whatever lies in it', async (_what, signature, at, message) => {
    const path = inFolder('wrapped.ts');
    // ffmpeg finds a transport stream in it.
    await runTool(['-i', clip, '-c', 'copy', path]);
    const stream = await readFile(path);
    const head = Buffer.alloc(512);
    head.write(signature, at, 'latin1');
    await writeFile(path, Buffer.concat([head, ...(signature.length > 5 ? [] : [stream])]));
    await expect(inspect(path)).rejects.toMatchObject({ message: expect.stringMatching(message) as string });
  });

  it('still images and series of them', async () => {
    const path = inFolder('still.mp4');
    await runTool(['-i', clip, '-frames:v', '1', '-f', 'image2', '-c:v', 'png', path]);
    await expect(inspect(path)).rejects.toMatchObject({ code: 'video.unsupportedFormat' });
    await copyFile(path, inFolder('cam_%03d.png'));
    await copyFile(path, inFolder('cam_001.png'));
    await expect(inspect(inFolder('cam_%03d.png'))).rejects.toMatchObject({
      code: 'video.unsupportedFormat',
    });
  });

  it('sound only, and sound with a cover picture', async () => {
    const sound = ['-f', 'lavfi', '-i', 'sine=duration=1'];
    await runTool([...sound, inFolder('sound.mp4')]);
    await expect(inspect(inFolder('sound.mp4'))).rejects.toMatchObject({ code: 'video.noVideoStream' });
    await runTool(['-i', clip, '-frames:v', '1', '-f', 'image2', inFolder('cover.jpg')]);
    const cover = [
      '-i',
      inFolder('cover.jpg'),
      '-map',
      '0',
      '-map',
      '1',
      '-c:v',
      'mjpeg',
      '-disposition:v',
      'attached_pic',
    ];
    await runTool([...sound, ...cover, inFolder('covered.m4a')]);
    await expect(inspect(inFolder('covered.m4a'))).rejects.toMatchObject({ code: 'video.noVideoStream' });
  });

  it('encrypted video', async () => {
    const key = '76a6c65c5ea762046bd749a2e632ccbb';
    const encryption = ['-encryption_scheme', 'cenc-aes-ctr', '-encryption_key', key, '-encryption_kid', key];
    await runTool(['-i', clip, '-c', 'copy', ...encryption, inFolder('encrypted.mp4')]);
    await expect(inspect(inFolder('encrypted.mp4'))).rejects.toMatchObject({ code: 'video.encrypted' });
  });

  it('text, nothing, folders, and what is not there', async () => {
    await writeFile(inFolder('text.mp4'), 'just some words, and no video at all\n'.repeat(40));
    await writeFile(inFolder('empty.mp4'), '');
    await mkdir(inFolder('folder.mp4'));
    await expect(inspect(inFolder('text.mp4'))).rejects.toMatchObject({ code: 'video.notVideo' });
    await expect(inspect(inFolder('empty.mp4'))).rejects.toMatchObject({ code: 'video.notVideo' });
    await expect(inspect(inFolder('folder.mp4'))).rejects.toMatchObject({ code: 'file.isFolder' });
    await expect(inspect(inFolder('absent.mp4'))).rejects.toMatchObject({ code: 'file.notFound' });
  });

  it('a file that begins with zeros, with the way to what lies behind them', async () => {
    const [sound, zeroed, copy] = ['behind.ts', 'zeroed.ts', 'copied.ts'].map(inFolder) as [
      string,
      string,
      string,
    ];
    await runTool(['-i', clip, '-c', 'copy', sound]);
    await writeFile(zeroed, Buffer.concat([Buffer.alloc(1_048_576), await readFile(sound)]));
    await expect(inspect(zeroed)).rejects.toMatchObject({
      code: 'video.notVideo',
      message: expect.stringMatching(
        /begins with zeros.*-f mpegts -i FILE -map 0:V -c copy NEW\.ts/,
      ) as string,
    });
    await runTool(['-f', 'mpegts', '-i', zeroed, '-map', '0:V', '-c', 'copy', copy]);
    expect((await inspect(copy)).frameTimesUs.length).toBe(100);
  });

  it.each([
    // Its time scale, and the number of its sizes.
    ['sidx', 12, '00000000', /header.* is damaged \(.*sidx.*\)\. Copy it/],
    ['stsz', 12, 'ffffffff', /header.* is damaged\. Copy it/],
  ])('an MP4 whose %s was overwritten, with what is so', async (box, offset, bytes, words) => {
    const path = inFolder(`${box}.mp4`);
    const fragments = ['-movflags', 'frag_keyframe+empty_moov+default_base_moof+global_sidx'];
    await runTool(['-i', clip, '-c', 'copy', ...(box === 'sidx' ? fragments : []), path]);
    const file = await readFile(path);
    Buffer.from(bytes, 'hex').copy(file, file.indexOf(box) + offset);
    await writeFile(path, file);
    await expect(inspect(path)).rejects.toMatchObject({
      code: 'video.incomplete',
      message: expect.stringMatching(words) as string,
    });
  });

  it('an MP4 that was cut before its index was written', async () => {
    await runTool(['-i', clip, '-c', 'copy', '-movflags', '-faststart', inFolder('cut.mp4')]);
    await truncate(inFolder('cut.mp4'), 30_000);
    await expect(inspect(inFolder('cut.mp4'))).rejects.toMatchObject({
      code: 'video.incomplete',
      message: expect.stringMatching(/Export it again.*cut\.mp4$/) as string,
    });
  });
});

describe('inspectFootage accounts for', () => {
  it.each(['cut.mp4', 'cut.mkv', 'cut.avi'])('the missing end of %s', async (name) => {
    const path = inFolder(name);
    if (name === 'cut.mp4') await copyFile(clip, path);
    else await encodeClip({ frames: 100, rate: '25', args: ['-c:v', 'mjpeg', path] });
    await truncate(path, Math.round((await readFile(path)).length * 0.63));
    const { footage, frameTimesUs } = await inspect(path);
    expect(footage.endPtsUs).toBe(4_000_000);
    expect(frameTimesUs.length).toBeLessThan(75);
    expect(frameTimesUs.length).toBeGreaterThan(45);
    expect(footage.notices.map(({ kind }) => kind)).toContain('endMissing');
  });
});

describe('ffmpeg', () => {
  it('is found, and its absence is told with what to do', async () => {
    await expect(findFfmpeg({ env: { PATH: '' } }).catch((error: unknown) => ({ error }))).resolves.toSatisfy(
      (found: object) => 'path' in found || ('error' in found && /Install it/.test(String(found.error))),
    );
    const env = { FFMPEG_PATH: inFolder('absent'), PATH: process.env['PATH'] };
    await expect(findFfmpeg({ env })).rejects.toMatchObject({ code: 'ffmpeg.missing' });
    const named = await findFfmpeg({ env: { FFMPEG_PATH: ffmpegPath } });
    expect(named).toMatchObject({ path: ffmpegPath, origin: 'FFMPEG_PATH' });
    expect(named.version).toMatch(/^\w*\d+\./);
  });

  it('is looked for outside of Electron’s archive', () => {
    expect(unpackedPath('/opt/x/app.asar/node_modules/f/ffmpeg')).toBe(
      '/opt/x/app.asar.unpacked/node_modules/f/ffmpeg',
    );
    expect(unpackedPath('/home/app.asarx/ffmpeg')).toBe('/home/app.asarx/ffmpeg');
  });

  it('is ended by abort and by the time limit', async () => {
    const endless = ['-f', 'lavfi', '-re', '-i', 'testsrc', '-f', 'null', '-'];
    const abort = new AbortController();
    const run = runFfmpeg({
      ffmpegPath,
      args: endless,
      signal: abort.signal,
      onStderrLine: () => abort.abort(),
    });
    await expect(run).rejects.toThrow(expect.objectContaining({ name: 'AbortError' }));
    const limited = runFfmpeg({ ffmpegPath, args: endless, signal, timeoutMs: 300 });
    await expect(limited).rejects.toMatchObject({ code: 'video.timeout' });
  });

  it('says that it is missing, and that the disk is full', async () => {
    const missing = runFfmpeg({ ffmpegPath: inFolder('absent'), args: [], signal });
    await expect(missing).rejects.toMatchObject({ code: 'ffmpeg.missing' });
    if (process.platform !== 'linux') return;
    const full = runFfmpeg({
      ffmpegPath,
      args: [...inputArguments(onlyVideo(clip)), '-f', 'rawvideo', '-y', 'file:/dev/full'],
      signal,
    });
    await expect(full).rejects.toMatchObject({ code: 'disk.full' });
  });
});
