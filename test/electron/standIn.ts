import { EventEmitter } from 'node:events';
import { tmpdir } from 'node:os';
import { PassThrough } from 'node:stream';
import { MessageChannel } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';

// Stands in for the `electron` module where its program is not to be had (see vitest.config.ts). It keeps what it is
// given, and its MessagePortMain is a real port in the shape Electron gives it.

type Handler = (...values: never[]) => unknown;

/** What the shell has told Electron so far. */
export const told = {
  schemes: [] as { scheme: string; privileges: Record<string, boolean> }[],
  schemeHandlers: new Map<string, (request: Request) => Promise<Response>>(),
  permissionHandlers: new Map<string, Handler>(),
  requestFilter: null as ((details: { url: string }, decide: (answer: object) => void) => void) | null,
  windows: [] as BrowserWindow[],
  forks: [] as UtilityProcessStandIn[],
  lockData: null as unknown,
  isSandboxEnabled: false,
  quits: 0,
  exposed: new Map<string, unknown>(),
  sent: [] as string[],
};

class App extends EventEmitter {
  isPackaged = false;
  isFirstInstance = true;
  requestSingleInstanceLock(data: unknown): boolean {
    told.lockData = data;
    return this.isFirstInstance;
  }
  enableSandbox(): void {
    told.isSandboxEnabled = true;
  }
  whenReady(): Promise<void> {
    return Promise.resolve();
  }
  getVersion(): string {
    return '0.0.0';
  }
  getPath(): string {
    return tmpdir();
  }
  quit(): void {
    told.quits += 1;
  }
}
export const app = new App();

class WebContents extends EventEmitter {
  openHandler: ((details: { url: string }) => unknown) | null = null;
  setWindowOpenHandler(handler: (details: { url: string }) => unknown): void {
    this.openHandler = handler;
  }
}

export class BrowserWindow extends EventEmitter {
  static getFocusedWindow(): null {
    return null;
  }
  readonly webContents = new WebContents();
  readonly options: { webPreferences: Record<string, unknown> };
  readonly loaded: string[] = [];
  isShown = false;
  constructor(options: { webPreferences: Record<string, unknown> }) {
    super();
    this.options = options;
    told.windows.push(this);
    app.emit('web-contents-created', {}, this.webContents);
  }
  loadURL(url: string): Promise<void> {
    this.loaded.push(url);
    return Promise.resolve();
  }
  show(): void {
    this.isShown = true;
  }
  isMinimized(): boolean {
    return false;
  }
  restore(): void {}
  focus(): void {}
}

export const ipcMain = new EventEmitter();

export const protocol = {
  registerSchemesAsPrivileged(schemes: typeof told.schemes): void {
    told.schemes = schemes;
  },
  handle(scheme: string, handler: (request: Request) => Promise<Response>): void {
    told.schemeHandlers.set(scheme, handler);
  },
};

class Session extends EventEmitter {
  readonly webRequest = {
    onBeforeRequest: (filter: NonNullable<typeof told.requestFilter>) => {
      told.requestFilter = filter;
    },
  };
  setPermissionRequestHandler(handler: Handler): void {
    told.permissionHandlers.set('request', handler);
  }
  setPermissionCheckHandler(handler: Handler): void {
    told.permissionHandlers.set('check', handler);
  }
  setDevicePermissionHandler(handler: Handler): void {
    told.permissionHandlers.set('device', handler);
  }
}
export const session = { defaultSession: new Session() };

export const dialog = {
  answer: { canceled: true, filePaths: [] as string[] },
  showOpenDialog(): Promise<{ canceled: boolean; filePaths: string[] }> {
    return Promise.resolve(dialog.answer);
  },
};

export const Menu = {
  buildFromTemplate: (template: unknown) => template,
  setApplicationMenu: () => undefined,
};

/** MessagePortMain: Node's own port with the message wrapped in an event, as Electron does. */
export class MessagePortMain extends EventEmitter {
  readonly raw: MessagePort;
  constructor(raw: MessagePort) {
    super();
    this.raw = raw;
    raw.on('message', (data: unknown) => this.emit('message', { data, ports: [] }));
    raw.on('close', () => this.emit('close'));
  }
  postMessage(data: unknown): void {
    this.raw.postMessage(data);
  }
  start(): void {
    this.raw.start();
  }
  close(): void {
    this.raw.close();
  }
}

export class MessageChannelMain {
  readonly port1: MessagePortMain;
  readonly port2: MessagePortMain;
  constructor() {
    const { port1, port2 } = new MessageChannel();
    this.port1 = new MessagePortMain(port1);
    this.port2 = new MessagePortMain(port2);
  }
}

export class UtilityProcessStandIn extends EventEmitter {
  readonly entryPath: string;
  readonly args: readonly string[];
  readonly stderr = new PassThrough();
  readonly posted: unknown[] = [];
  wasKilled = false;
  constructor(entryPath: string, args: readonly string[]) {
    super();
    this.entryPath = entryPath;
    this.args = args;
    told.forks.push(this);
  }
  postMessage(message: unknown): void {
    this.posted.push(message);
  }
  kill(): void {
    this.wasKilled = true;
    this.emit('exit', 1);
  }
}
export const utilityProcess = {
  fork: (entryPath: string, args: readonly string[]) => new UtilityProcessStandIn(entryPath, args),
};

export const contextBridge = {
  exposeInMainWorld: (name: string, value: unknown) => void told.exposed.set(name, value),
};
class IpcRenderer extends EventEmitter {
  send(channel: string): void {
    told.sent.push(channel);
  }
}
export const ipcRenderer = new IpcRenderer();
export const webUtils = { getPathForFile: (file: File) => `/footage/${file.name}` };
