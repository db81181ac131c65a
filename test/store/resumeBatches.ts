/**
 * Goes on with the first run of the case named on the command line, as an analyzer would after a crash: from the
 * batch after the last one stored, to the end. Says `open` before the first batch.
 */
import { openStore } from '../../main/store/openStore.ts';
import { killedFootage, KILLED_SHAPE } from './killedCase.ts';
import { syntheticBatches } from './seedCase.ts';

const store = await openStore({
  caseFolder: process.argv[2] ?? '',
  storeThreadUrl: new URL('../../main/store/thread.ts', import.meta.url),
  create: false,
  nowWallMs: 0,
  appVersion: '0.0.0-test',
});
const next = await store.read.queryNextRun();
if (next !== null) {
  const batches = syntheticBatches(next.run.runId, killedFootage, KILLED_SHAPE);
  process.stdout.write('open\n');
  for (const batch of batches.slice(next.nextSequence)) await store.write.insertBatch(batch);
  await store.write.finishRun(next.run.runId, 'done', 1);
}
await store.close();
