import { readdir } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { ReceivedFiles } from '../../main/footage/receivedFiles.ts';
import { receiveFile, safeFileName } from '../../main/loopback/receivedFiles.ts';
import { temporaryFolder } from '../temporaryFolder.ts';

const FILE = { folderName: null, name: 'a.mp4', signal: new AbortController().signal };

it.each([
  ['clip.mp4', 'clip.mp4'],
  ['C:\\Users\\me\\clip.mp4', 'clip.mp4'],
  ['/etc/passwd', 'passwd'],
  ['..', 'received'],
  ['', 'received'],
  ['.hidden.mp4', 'hidden.mp4'],
  ['con.mp4', '_con.mp4'],
  ['a<b>|"c?*.mkv', 'a_b___c__.mkv'],
  ['trailing. . ', 'trailing'],
])('makes %j the file name %j', (name, expected) => {
  expect(safeFileName(name)).toBe(expected);
});

it('keeps the extension of a name that is too long, and cuts no character in two', () => {
  const name = safeFileName(`${'é'.repeat(300)}.mp4`);
  expect(name).toMatch(/^é+\.mp4$/);
  expect(Buffer.byteLength(name)).toBeLessThanOrEqual(200);
});

it('refuses a body of another size than said, and leaves nothing behind', async () => {
  const received = new ReceivedFiles(await temporaryFolder('received'));
  const body = new Response('four').body;
  if (body === null) throw new Error('a response with text has a body');
  const arriving = receiveFile({ ...FILE, received, body, sizeBytes: 5 });
  await expect(arriving).rejects.toMatchObject({ code: 'input.invalid' });
  expect(await readdir(received.folder)).toEqual([]);
});

it('says that the disk is full before it writes anything', async () => {
  const received = new ReceivedFiles(await temporaryFolder('full'));
  const body = new ReadableStream<Uint8Array>();
  const arriving = receiveFile({ ...FILE, received, body, sizeBytes: 2 ** 60 });
  await expect(arriving).rejects.toMatchObject({ code: 'disk.full' });
  expect(await readdir(received.folder)).toEqual([]);
});
