import { app, BrowserWindow, dialog, Menu } from 'electron';
import type { MenuItemConstructorOptions, OpenDialogOptions } from 'electron';
import { openLog } from '../shell/logFile.ts';
import type { Host, HostPorts, Log } from '../ports.ts';
import { parseStartArguments } from '../shell/startArguments.ts';
import type { StartArguments } from '../shell/startArguments.ts';
import { forkAnalyzer } from './analyzerProcess.ts';
import type { AnalyzerEntries } from './analyzerProcess.ts';
import { serveContract } from './contractPort.ts';
import { lockNavigation, lockSession } from './lockdown.ts';
import { PAGE_URL, registerSchemes, serveSchemes } from './schemes.ts';

/** Where the built files lie. */
export interface DesktopLayout {
  readonly pageFolder: string;
  readonly preloadPath: string;
  readonly modelsFolder: string;
  readonly storeThreadUrl: URL;
  readonly analyzer: AnalyzerEntries;
}

export interface DesktopOptions {
  readonly layout: DesktopLayout;
  readonly userData: string;
  /** `process.argv`. */
  readonly argv: readonly string[];
  readonly openHost: (ports: HostPorts, options: { caseFolder: string | null }) => Promise<Host>;
}

/**
 * The desktop app, from start to quit. A second start hands its files to the first and leaves. Resolves when the
 * window shows the page, or to null when another one is running already.
 */
export async function startDesktop(options: DesktopOptions): Promise<BrowserWindow | null> {
  const given = desktopArguments(options.argv);
  if (!app.requestSingleInstanceLock({ paths: given.paths })) {
    app.quit();
    return null;
  }
  app.enableSandbox();
  registerSchemes();
  lockNavigation();
  const log = openLog(options.userData, 'warn');
  await app.whenReady();
  lockSession();
  Menu.setApplicationMenu(Menu.buildFromTemplate(menuTemplate()));
  const host = await options.openHost(desktopPorts(options, log), { caseFolder: given.caseFolder });
  closeWithApp(host, log);
  serveSchemes(options.layout.pageFolder, host.handleMedia);
  serveContract(host, log);
  const window = createWindow(options.layout.preloadPath);
  window.webContents.on('render-process-gone', (_event, details) => {
    log('error', 'electron', `the page's process is gone: ${details.reason}`);
  });
  importFromSecondInstance(host, window, log);
  await window.loadURL(PAGE_URL);
  window.show();
  if (given.paths.length > 0) importInBackground(host, given.paths, log);
  return window;
}

/** Electron and Chromium put switches of their own among the arguments; only ours are read. */
function desktopArguments(argv: readonly string[]): StartArguments {
  const own = argv.slice(app.isPackaged ? 1 : 2);
  const kept = own.filter((text) => !text.startsWith('-') || text === '--case' || text.startsWith('--case='));
  return (
    parseStartArguments(kept) ?? { paths: [], caseFolder: null, port: 0, opensBrowser: false, reason: null }
  );
}

function desktopPorts({ layout, userData }: DesktopOptions, log: Log): HostPorts {
  return {
    kind: 'electron',
    hostReason: null,
    appVersion: app.getVersion(),
    directories: { userData, models: layout.modelsFolder },
    storeThreadUrl: layout.storeThreadUrl,
    spawnAnalyzer: () => forkAnalyzer(layout.analyzer, log),
    pickPaths,
    nowWallMs: Date.now,
    log,
  };
}

async function pickPaths(kind: 'footage' | 'folder'): Promise<string[]> {
  const request: OpenDialogOptions = {
    properties: kind === 'folder' ? ['openDirectory', 'createDirectory'] : ['openFile', 'multiSelections'],
  };
  const window = BrowserWindow.getFocusedWindow();
  const answer = await (window === null
    ? dialog.showOpenDialog(request)
    : dialog.showOpenDialog(window, request));
  return answer.canceled ? [] : answer.filePaths;
}

function createWindow(preloadPath: string): BrowserWindow {
  return new BrowserWindow({
    width: 1440,
    height: 900,
    minWidth: 1024,
    minHeight: 700,
    show: false,
    backgroundColor: '#14161a',
    webPreferences: {
      preload: preloadPath,
      contextIsolation: true,
      sandbox: true,
      nodeIntegration: false,
      nodeIntegrationInSubFrames: false,
      nodeIntegrationInWorker: false,
      webSecurity: true,
      webviewTag: false,
      navigateOnDragDrop: false,
      // Chromium fetches dictionaries for it.
      spellcheck: false,
    },
  });
}

function menuTemplate(): MenuItemConstructorOptions[] {
  const own: MenuItemConstructorOptions[] = process.platform === 'darwin' ? [{ role: 'appMenu' }] : [];
  return [
    ...own,
    { role: 'editMenu' },
    {
      label: 'View',
      submenu: [
        { role: 'resetZoom' },
        { role: 'zoomIn' },
        { role: 'zoomOut' },
        { type: 'separator' },
        { role: 'togglefullscreen' },
      ],
    },
    { role: 'windowMenu' },
  ];
}

function importFromSecondInstance(host: Host, window: BrowserWindow, log: Log): void {
  app.on('second-instance', (_event, _argv, _folder, additionalData) => {
    if (window.isMinimized()) window.restore();
    window.focus();
    const paths = pathsOf(additionalData);
    if (paths.length > 0) importInBackground(host, paths, log);
  });
}

/** The paths that another start of this same app put into its lock request. */
function pathsOf(additionalData: unknown): string[] {
  if (typeof additionalData !== 'object' || additionalData === null || !('paths' in additionalData))
    return [];
  const { paths } = additionalData;
  return Array.isArray(paths) ? paths.filter((path) => typeof path === 'string') : [];
}

function importInBackground(host: Host, paths: readonly string[], log: Log): void {
  host
    .importAndAnalyse(paths)
    .catch((error: unknown) => log('error', 'electron', 'importing what was given at start failed', error));
}

/** Quitting waits until the case is closed; a case that cannot be closed does not keep the app alive. */
function closeWithApp(host: Host, log: Log): void {
  app.on('window-all-closed', () => app.quit());
  let isClosed = false;
  app.on('before-quit', (event) => {
    if (isClosed) return;
    event.preventDefault();
    void host
      .close()
      .catch((error: unknown) => log('error', 'electron', 'closing failed', error))
      .then(() => {
        isClosed = true;
        app.quit();
      });
  });
}
