import { createHash, randomUUID } from 'node:crypto';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openTestHost } from '../runs/testHost.ts';
import { temporaryFolder } from '../temporaryFolder.ts';

it('clears up what a killed export left when the case is opened, and only by the process that holds it', async () => {
  const folder = await temporaryFolder('drafts');
  const caseFolder = join(folder, 'case');
  const host = await openTestHost({ folder, caseFolder });
  const exhibitsFolder = join(caseFolder, 'exhibits');
  const draft = `.partial-${randomUUID()}.mp4`;
  try {
    for (const name of [draft, 'clip.mp4']) await writeFile(join(exhibitsFolder, name), 'bytes');
    await expect(openTestHost({ folder, caseFolder })).rejects.toMatchObject({ code: 'case.locked' });
    expect((await readdir(exhibitsFolder)).sort()).toEqual([draft, 'clip.mp4']);
  } finally {
    await host.close();
  }
  const next = await openTestHost({ folder, caseFolder });
  await next.close();
  expect(await readdir(exhibitsFolder)).toEqual(['clip.mp4']);
});

it('takes back a clip that had its name when its export was killed, and nothing else of that name', async () => {
  const folder = await temporaryFolder('claimed');
  const caseFolder = join(folder, 'case');
  await (await openTestHost({ folder, caseFolder })).close();
  const exhibitsFolder = join(caseFolder, 'exhibits');
  const write = (name: string, text: string): Promise<void> => writeFile(join(exhibitsFolder, name), text);
  const claim = (fileName: string, content: string): Promise<void> =>
    write(
      `.partial-${randomUUID()}.claim`,
      JSON.stringify({ fileName, sha256: createHash('sha256').update(content).digest('hex') }),
    );
  await claim('left.mp4', 'a clip');
  for (const name of ['left.mp4', `.partial-${randomUUID()}.mp4`]) await write(name, 'a clip');
  await write('left.mp4.json', '{}');
  await claim("somebody else's.mp4", 'a clip');
  await write("somebody else's.mp4", 'another clip');
  await claim('not taken.mp4', 'a clip');
  await write(`.partial-${randomUUID()}.claim`, '{"fileName":"left');
  const said: string[] = [];
  const log = (_level: string, _area: string, message: string): void => void said.push(message);
  await (await openTestHost({ folder, caseFolder, ports: { log } })).close();
  expect(await readdir(exhibitsFolder)).toEqual(["somebody else's.mp4"]);
  expect(said.filter((message) => message.endsWith('left.mp4'))).toHaveLength(1);
});
