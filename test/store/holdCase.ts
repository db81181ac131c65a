/** Opens the case named on the command line, says so, and holds it until it is killed. */
import { openStore } from '../../main/store/openStore.ts';

await openStore({
  caseFolder: process.argv[2] ?? '',
  storeThreadUrl: new URL('../../main/store/thread.ts', import.meta.url),
  create: true,
  nowWallMs: Date.now(),
  appVersion: '0.0.0-test',
});
process.stdout.write('open\n');
setInterval(() => undefined, 1_000);
