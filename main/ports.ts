import type { Router } from '@orpc/server';
import type { Contract } from '../preload/contract/contract.ts';
import type { FromAnalyzer, ToAnalyzer } from './analyzer/messages.ts';

/** A running analyzer process, whatever forked it. */
export interface AnalyzerProcess {
  send(message: ToAnalyzer): void;
  /** Calls back for every message, in order. */
  onMessage(listener: (message: FromAnalyzer) => void): void;
  /** Calls back once, when the process is gone for any reason. */
  onExit(listener: (exit: { readonly code: number | null; readonly signal: string | null }) => void): void;
  kill(): void;
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
export type Log = (level: LogLevel, area: string, message: string, detail?: unknown) => void;

/** What the shell gives the host: everything that differs between Electron, the Node shell and a test. */
export interface HostPorts {
  readonly kind: 'electron' | 'loopback';
  readonly hostReason: string | null;
  readonly appVersion: string;
  readonly directories: {
    /** Settings, recent cases, added models. */
    readonly userData: string;
    /** Embedded manifests and weights. */
    readonly models: string;
  };
  /** Entry files of the threads and of the analyzer. */
  readonly storeThreadUrl: URL;
  readonly spawnAnalyzer: () => AnalyzerProcess;
  /** Null where the host has no dialogs of its own. */
  readonly pickPaths: ((kind: 'footage' | 'folder') => Promise<string[]>) | null;
  readonly nowWallMs: () => number;
  readonly log: Log;
}

/** What every handler of the contract is given besides its input and signal. */
export interface RpcContext {
  readonly host: HostPorts['kind'];
}

/** The running application as a shell sees it: what `openHost(ports, options)` in `main/host.ts` resolves to. */
export interface Host {
  /** Handlers of the whole contract; the shell serves them over its own transport. */
  readonly router: Router<Contract, RpcContext>;
  /** Answers every media URL (`/media/...`), whatever scheme and host it came under. */
  readonly handleMedia: (request: Request) => Promise<Response>;
  /** Folder of the open case; what a browser drops is received below it. */
  readonly caseFolder: () => string;
  /** Adds files and folders and queues an analysis of what was added. */
  readonly importAndAnalyse: (paths: readonly string[]) => Promise<void>;
  /** Stops the analyzer at its next batch, closes the case. */
  readonly close: () => Promise<void>;
}
