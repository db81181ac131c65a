import { expect, it } from 'vitest';
import { LastPlan } from '../../main/evidence/lastPlan.ts';
import { temporaryFolder } from '../temporaryFolder.ts';
import { makeExportedClip } from '../codedClips.ts';
import { openClipSource, requestFrames } from './clipSource.ts';

it('works a plan out once for what asks for the same frames of the same file', async () => {
  const folder = await temporaryFolder('last-plan');
  const source = {
    ...(await openClipSource(await makeExportedClip(folder, 'constant'))),
    isIndexTrusted: false,
  };
  const last = new LastPlan();
  const options = { version: '1', signal: new AbortController().signal };
  const asked = requestFrames(source, 10, 30, { mode: 'exact' });
  const first = await last.plan(asked, source, options);
  const drawn = { ...asked, burnTimes: true };
  const again = await last.plan(drawn, source, options);
  expect(again.clipTimesUs).toBe(first.clipTimesUs);
  expect(again.plan).toEqual({ ...first.plan, request: drawn });
  const changed = await last.plan(asked, source, { ...options, version: '2' });
  expect(changed.clipTimesUs).not.toBe(first.clipTimesUs);
  expect(changed.clipTimesUs).toEqual(first.clipTimesUs);
  await last.plan(requestFrames(source, 10, 30, { mode: 'copy' }), source, options);
  const refused = last.plan({ ...drawn, mode: 'copy' }, source, options);
  await expect(refused).rejects.toMatchObject({ code: 'input.invalid' });
});
