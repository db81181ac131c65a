import { randomUUID } from 'node:crypto';
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
