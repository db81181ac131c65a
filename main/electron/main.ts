import { join } from 'node:path';
import { app, dialog } from 'electron';
import { openHost } from '../host.ts';
import { startDesktop } from './desktop.ts';

// Entry of the packaged app: bundled to out/main/electron.js, beside the other built files.
const built = import.meta.dirname;

// Not awaited here: Electron is not ready before its entry module has been evaluated to the end.
startDesktop({
  openHost,
  argv: process.argv,
  userData: process.env['SIGHTLINE_HOME'] ?? app.getPath('userData'),
  layout: {
    pageFolder: join(built, '../renderer'),
    preloadPath: join(built, '../preload/preload.cjs'),
    modelsFolder: app.isPackaged ? join(process.resourcesPath, 'models') : join(built, '../../models'),
    storeThreadUrl: new URL('storeThread.js', import.meta.url),
    analyzer: {
      processPath: join(built, 'analyzer.js'),
      decodeThreadUrl: new URL('decodeThread.js', import.meta.url),
    },
  },
}).catch((error: unknown) => {
  dialog.showErrorBox('Sightline cannot start', error instanceof Error ? error.message : String(error));
  app.exit(1);
});
