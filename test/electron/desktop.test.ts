import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { startDesktop } from '../../main/electron/desktop.ts';
import type { DesktopOptions } from '../../main/electron/desktop.ts';
import type { HostPorts } from '../../main/ports.ts';
import { CONNECT_MESSAGE, PORT_MESSAGE } from '../../preload/contract/bridge.ts';
import { fixtureHost } from '../contract/fixtureHost.ts';
import { apiOverPort } from '../contract/transports.ts';
import { temporaryFolder } from '../temporaryFolder.ts';
import { app, dialog, ipcMain, session, told } from './standIn.ts';
import type { MessagePortMain } from './standIn.ts';

let ports: HostPorts | null = null;
const host = fixtureHost();

async function desktopOptions(): Promise<DesktopOptions> {
  const folder = await temporaryFolder('desktop');
  await mkdir(join(folder, 'renderer'));
  await writeFile(join(folder, 'renderer', 'index.html'), '<!doctype html>page');
  await writeFile(join(folder, 'secret.txt'), 'secret');
  return {
    argv: ['/electron', '/project', '--inspect=1', '/clips/a.mp4', '--case', '/cases/one'],
    userData: folder,
    layout: {
      pageFolder: join(folder, 'renderer'),
      preloadPath: '/built/preload.cjs',
      modelsFolder: '/built/models',
      storeThreadUrl: pathToFileURL('/built/storeThread.js'),
      analyzer: {
        processPath: '/built/analyzer.js',
        decodeThreadUrl: pathToFileURL('/built/decodeThread.js'),
      },
    },
    openHost: (given, options) => {
      ports = given;
      expect(options.caseFolder).toBe('/cases/one');
      return Promise.resolve(host);
    },
  };
}

beforeAll(async () => {
  await startDesktop(await desktopOptions());
});

const page = (): (typeof told.windows)[number] => {
  const window = told.windows[0];
  if (window === undefined) throw new Error('no window was made');
  return window;
};

/** A frame as `event.senderFrame` gives it, and the port it was sent, if any. */
function frame(url: string, parent: object | null = null) {
  const received: { port: MessagePortMain | null } = { port: null };
  const senderFrame = {
    url,
    parent,
    postMessage: (channel: string, _message: unknown, sent: MessagePortMain[]) => {
      expect(channel).toBe(PORT_MESSAGE);
      received.port = sent[0] ?? null;
    },
  };
  return { senderFrame, received };
}

describe('window', () => {
  it('isolates the page from Node and from the preload script', () => {
    expect(told.isSandboxEnabled).toBe(true);
    expect(page().options.webPreferences).toMatchObject({
      contextIsolation: true,
      sandbox: true,
      nodeIntegration: false,
      nodeIntegrationInSubFrames: false,
      nodeIntegrationInWorker: false,
      webSecurity: true,
      webviewTag: false,
      navigateOnDragDrop: false,
      spellcheck: false,
      preload: '/built/preload.cjs',
    });
  });

  it('shows our page and hands over what was given at the start', () => {
    expect(page().loaded).toEqual(['app://sightline/']);
    expect(page().isShown).toBe(true);
    expect(host.imported).toEqual([['/clips/a.mp4']]);
  });

  it('opens no other window', () => {
    expect(page().webContents.openHandler?.({ url: 'https://example.org' })).toEqual({ action: 'deny' });
  });

  it.each([
    ['https://example.org/', true],
    ['file:///etc/passwd', true],
    ['app://elsewhere/', true],
    ['app://sightline/', false],
  ])('navigation to %s is refused: %s', (url, isRefused) => {
    const preventDefault = vi.fn();
    page().webContents.emit('will-frame-navigate', { url, preventDefault });
    expect(preventDefault).toHaveBeenCalledTimes(isRefused ? 1 : 0);
  });

  it('refuses redirects, <webview> and downloads', () => {
    const preventDefault = vi.fn();
    page().webContents.emit('will-redirect', { preventDefault });
    page().webContents.emit('will-attach-webview', { preventDefault });
    session.defaultSession.emit('will-download', { preventDefault });
    expect(preventDefault).toHaveBeenCalledTimes(3);
  });
});

describe('session', () => {
  it('grants no permission and no device', () => {
    const decide = vi.fn();
    Reflect.apply(told.permissionHandlers.get('request') ?? vi.fn(), null, [{}, 'media', decide]);
    expect(decide).toHaveBeenCalledWith(false);
    expect(Reflect.apply(told.permissionHandlers.get('check') ?? vi.fn(), null, [])).toBe(false);
    expect(Reflect.apply(told.permissionHandlers.get('device') ?? vi.fn(), null, [])).toBe(false);
  });

  it.each([
    ['https://example.org/a.js', true],
    ['http://127.0.0.1/', true],
    ['ws://127.0.0.1/', true],
    ['file:///etc/passwd', true],
    ['app://sightline/index.js', false],
    ['sightline-media://case/media/footage/1/original', false],
    ['blob:app://sightline/1', false],
  ])('a request for %s is cancelled: %s', (url, isCancelled) => {
    const decide = vi.fn();
    told.requestFilter?.({ url }, decide);
    expect(decide).toHaveBeenCalledWith({ cancel: isCancelled });
  });
});

describe('schemes', () => {
  const answer = async (url: string): Promise<Response> => {
    const handler = told.schemeHandlers.get(new URL(url).protocol.slice(0, -1));
    if (handler === undefined) throw new Error(`nothing answers ${url}`);
    return handler(new Request(url));
  };

  it('are standard and secure, and media streams', () => {
    expect(told.schemes.map(({ scheme }) => scheme)).toEqual(['app', 'sightline-media']);
    for (const { privileges } of told.schemes) {
      expect(privileges).toMatchObject({ standard: true, secure: true, supportFetchAPI: true });
      expect(privileges).not.toHaveProperty('bypassCSP');
    }
    expect(told.schemes[1]?.privileges).toMatchObject({ stream: true, corsEnabled: true });
  });

  it('serve the page under its policy', async () => {
    const response = await answer('app://sightline/');
    expect(await response.text()).toContain('page');
    const policy = response.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self';");
    expect(policy).toContain("connect-src 'self' sightline-media:");
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    expect(response.headers.get('cross-origin-opener-policy')).toBe('same-origin');
  });

  it.each(['app://elsewhere/', 'app://sightline/%2e%2e/secret.txt', 'app://sightline/..%2fsecret.txt'])(
    'do not serve %s',
    async (url) => {
      expect((await answer(url)).status).toBe(404);
    },
  );

  it('let our page alone read media', async () => {
    const response = await answer('sightline-media://case/media/footage/1/original');
    expect(await response.text()).toBe('/media/footage/1/original');
    expect(response.headers.get('access-control-allow-origin')).toBe('app://sightline');
  });
});

describe('contract', () => {
  it.each([
    ['https://example.org/', null],
    ['app://elsewhere/', null],
    ['app://sightline/', { url: 'app://sightline/' }],
  ])('is not handed to %s', (url, parent) => {
    const { senderFrame, received } = frame(url, parent);
    ipcMain.emit(CONNECT_MESSAGE, { senderFrame });
    expect(received.port).toBeNull();
  });

  it('is handed to the main frame of our page', async () => {
    const { senderFrame, received } = frame('app://sightline/');
    ipcMain.emit(CONNECT_MESSAGE, { senderFrame });
    if (received.port === null) throw new Error('no port was handed over');
    const { api, close } = apiOverPort(received.port.raw);
    expect((await api.app.info()).host).toBe('electron');
    await close();
  });
});

describe('ports', () => {
  it('open the system dialog', async () => {
    expect(await ports?.pickPaths?.('footage')).toEqual([]);
    dialog.answer = { canceled: false, filePaths: ['/clips/b.mp4'] };
    expect(await ports?.pickPaths?.('folder')).toEqual(['/clips/b.mp4']);
  });

  it('fork the analyzer and pass its messages on', async () => {
    const analyzer = ports?.spawnAnalyzer();
    const child = told.forks.at(-1);
    expect(child?.entryPath).toBe('/built/analyzer.js');
    expect(child?.args).toEqual([pathToFileURL('/built/decodeThread.js').href]);
    const onMessage = vi.fn();
    analyzer?.onMessage(onMessage);
    child?.emit('message', { kind: 'ready' });
    child?.emit('message', 'noise');
    expect(onMessage.mock.calls).toEqual([[{ kind: 'ready' }]]);
    const exited = new Promise((resolve) => analyzer?.onExit(resolve));
    analyzer?.kill();
    expect(child?.posted).toEqual([{ kind: 'exit' }]);
    child?.emit('exit', 0);
    expect(await exited).toEqual({ code: 0, signal: null });
  });
});

describe('life of the app', () => {
  it('imports what a second start brings', () => {
    expect(told.lockData).toEqual({ paths: ['/clips/a.mp4'] });
    app.emit('second-instance', {}, [], '/', { paths: ['/clips/c.mp4', 7] });
    app.emit('second-instance', {}, [], '/', 'nonsense');
    expect(host.imported.slice(1)).toEqual([['/clips/c.mp4']]);
  });

  it('leaves at once when it is the second start', async () => {
    app.isFirstInstance = false;
    const quitsBefore = told.quits;
    expect(await startDesktop(await desktopOptions())).toBeNull();
    expect(told.quits).toBe(quitsBefore + 1);
    app.isFirstInstance = true;
  });

  it('closes the case before it quits', async () => {
    const preventDefault = vi.fn();
    const quitsBefore = told.quits;
    app.emit('before-quit', { preventDefault });
    expect(preventDefault).toHaveBeenCalledTimes(1);
    await vi.waitFor(() => expect(told.quits).toBe(quitsBefore + 1));
    expect(host.closes).toBe(1);
    app.emit('before-quit', { preventDefault });
    expect(preventDefault).toHaveBeenCalledTimes(1);
  });
});
