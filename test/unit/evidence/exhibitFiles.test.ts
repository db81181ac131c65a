import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createExhibitDraft, removeLeftDrafts } from '../../../main/evidence/exhibitFiles.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sightline-exhibits-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function publishText(text: string): Promise<string[]> {
  const draft = await createExhibitDraft(folder, '.mp4');
  await writeFile(draft.contentPath, text);
  await writeFile(draft.scratchPath('.ass'), 'working file');
  await draft.publish({ fileName: 'clip.mp4', sha256: 'abc', sidecarOf: (name) => `{"name":"${name}"}` });
  await draft.discard();
  return (await readdir(folder)).sort();
}

describe('an exhibit draft', () => {
  it('publishes three files and keeps nothing else', async () => {
    expect(await publishText('one')).toEqual(['clip.mp4', 'clip.mp4.json', 'clip.mp4.sha256']);
    expect(await readFile(join(folder, 'clip.mp4.sha256'), 'utf8')).toBe('abc  clip.mp4\n');
  });

  it('numbers a name that is taken, in the sidecar too', async () => {
    await publishText('one');
    await publishText('two');
    expect(await readFile(join(folder, 'clip.mp4'), 'utf8')).toBe('one');
    expect(await readFile(join(folder, 'clip-2.mp4'), 'utf8')).toBe('two');
    expect(await readFile(join(folder, 'clip-2.mp4.json'), 'utf8')).toBe('{"name":"clip-2.mp4"}');
  });

  it('gives two exports that end at once two names', async () => {
    await Promise.all(['a', 'b', 'c'].map(publishText));
    const clips = (await readdir(folder)).filter((name) => name.endsWith('.mp4')).sort();
    expect(clips).toEqual(['clip-2.mp4', 'clip-3.mp4', 'clip.mp4']);
  });

  it('leaves nothing behind when it is discarded or cannot be published', async () => {
    const draft = await createExhibitDraft(folder, '.mp4');
    await writeFile(draft.contentPath, 'half');
    const publishing = draft.publish({
      fileName: 'clip.mp4',
      sha256: 'abc',
      sidecarOf: () => {
        throw new Error('no sidecar');
      },
    });
    await expect(publishing).rejects.toThrow('no sidecar');
    await draft.discard();
    expect(await readdir(folder)).toEqual([]);
  });
});

describe('removeLeftDrafts', () => {
  it('removes what a killed export left, and nothing that only looks a little like it', async () => {
    const draft = await createExhibitDraft(folder, '.mp4');
    await writeFile(draft.contentPath, 'half');
    await writeFile(draft.scratchPath('.ass'), 'script');
    const others = ['.partial-notes.txt', 'clip.mp4', `x${basename(draft.contentPath)}`];
    for (const name of others) await writeFile(join(folder, name), 'kept');
    await mkdir(join(folder, basename(draft.contentPath).replace('.mp4', '.mkv')));
    expect(await removeLeftDrafts(folder, new Set())).toEqual([]);
    const kept = await readdir(folder);
    expect(kept.sort()).toEqual([...others, basename(draft.contentPath).replace('.mp4', '.mkv')].sort());
  });
});
