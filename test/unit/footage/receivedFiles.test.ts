import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ReceivedFiles } from '../../../main/footage/receivedFiles.ts';
import { temporaryFolder } from '../../temporaryFolder.ts';

const NO_FOOTAGE = (): Promise<string[]> => Promise.resolve([]);

async function receivedFiles(): Promise<ReceivedFiles> {
  const received = new ReceivedFiles(await temporaryFolder('received-files'));
  await mkdir(join(received.folder, 'Door 1'), { recursive: true });
  return received;
}

async function arrive(received: ReceivedFiles, name: string): Promise<string> {
  const path = await received.reserve(join(received.folder, 'Door 1'), name);
  await writeFile(path, name);
  return path;
}

const everythingIn = async (folder: string): Promise<string[]> =>
  (await readdir(folder, { recursive: true })).sort();

it('keeps what became footage and removes the rest, once an import has decided', async () => {
  const received = await receivedFiles();
  const [taken, refused] = [await arrive(received, 'a.mp4'), await arrive(received, 'a.mp4')];
  await received.settle([taken, refused], () => Promise.resolve([taken]));
  expect(await everythingIn(received.folder)).toEqual(['Door 1', join('Door 1', 'a.mp4')]);
  await received.settle([taken], NO_FOOTAGE);
  expect(await readFile(taken, 'utf8')).toBe('a.mp4');
});

it('removes what a killed process left, and nothing that a person has put there', async () => {
  const received = await receivedFiles();
  const taken = await arrive(received, 'taken.mp4');
  const own = join(received.folder, 'Door 1', 'own.mp4');
  await writeFile(own, 'own');
  await received.reserve(join(received.folder, 'Door 1'), 'reserved only.mp4');
  await arrive(received, 'never imported.mp4');
  await writeFile(join(received.folder, '.0b7c1f6e-8a52-4a30-9d0c-6a9a2f0c1d11.part'), 'half');
  await mkdir(join(received.folder, 'empty'));
  await writeFile(join(received.folder, '.gone.mp4.pending'), '');
  await received.removeLeft(() =>
    Promise.resolve([join('/moved', 'case', 'received', 'Door 1', 'taken.mp4')]),
  );
  const kept = ['Door 1', join('Door 1', 'own.mp4'), join('Door 1', 'taken.mp4')];
  expect(await everythingIn(received.folder)).toEqual(kept);
  await received.settle([taken, own], NO_FOOTAGE);
  expect(await everythingIn(received.folder)).toEqual(kept);
});

it('marks nothing that was there before, and touches nothing outside', async () => {
  const received = await receivedFiles();
  const original = join(received.folder, '..', 'original.mp4');
  await writeFile(original, 'original');
  await writeFile(join(received.folder, '..', '.original.mp4.pending'), '');
  await received.settle([original], NO_FOOTAGE);
  await received.discard(original);
  expect(await readFile(original, 'utf8')).toBe('original');
  const own = join(received.folder, 'own.mp4');
  await writeFile(own, 'own');
  expect(await received.reserve(received.folder, 'own.mp4')).toBe(join(received.folder, 'own (2).mp4'));
  await received.removeLeft(NO_FOOTAGE);
  expect(await readFile(own, 'utf8')).toBe('own');
});

it('has nothing to remove in a case that never received anything', async () => {
  await new ReceivedFiles(await temporaryFolder('received-none')).removeLeft(NO_FOOTAGE);
});
