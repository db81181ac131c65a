import type { MessagePort } from 'node:worker_threads';
import { createORPCClient } from '@orpc/client';
import { RPCLink as PortLink } from '@orpc/client/message-port';
import { RPCLink as SocketLink } from '@orpc/client/websocket';
import type { ContractRouterClient } from '@orpc/contract';
import { CONNECT_MESSAGE } from '../../preload/contract/bridge.ts';
import type { Contract } from '../../preload/contract/contract.ts';
import { serveContract } from '../../main/electron/contractPort.ts';
import { serveLoopback } from '../../main/loopback/server.ts';
import type { Host, Log } from '../../main/ports.ts';
import { ipcMain } from '../electron/standIn.ts';
import type { MessagePortMain } from '../electron/standIn.ts';
import { openSocket } from '../loopbackSocket.ts';

export type Api = ContractRouterClient<Contract>;

export interface Connection {
  readonly api: Api;
  readonly close: () => void | Promise<void>;
}

/** A page's end of the contract, as the renderer makes it. */
export function apiOverPort(port: MessagePort): Connection {
  const api: Api = createORPCClient(new PortLink({ port }));
  port.start();
  return { api, close: () => port.close() };
}

/** Through the desktop shell's own hand-over, over ports in the shape Electron gives them. */
async function connectOverPort(host: Host, log: Log): Promise<Connection> {
  serveContract(host, log);
  const { promise, resolve } = Promise.withResolvers<MessagePortMain>();
  const senderFrame = {
    url: 'app://sightline/',
    parent: null,
    postMessage: (_channel: string, _message: unknown, ports: MessagePortMain[]) => {
      if (ports[0] !== undefined) resolve(ports[0]);
    },
  };
  ipcMain.emit(CONNECT_MESSAGE, { senderFrame });
  const connection = apiOverPort((await promise).raw);
  return {
    ...connection,
    close: () => {
      void connection.close();
      ipcMain.removeAllListeners(CONNECT_MESSAGE);
    },
  };
}

/** Through the real loopback server. */
async function connectOverSocket(host: Host, log: Log): Promise<Connection> {
  const loopback = await serveLoopback({ host, pageFolder: '/nowhere', port: 0, log });
  const websocket = await openSocket(loopback.origin, loopback.token);
  const api: Api = createORPCClient(new SocketLink({ websocket }));
  return {
    api,
    close: async () => {
      websocket.close();
      await loopback.close();
    },
  };
}

/** Every way the contract is served, with the context it is served in. */
export const TRANSPORTS = [
  { kind: 'electron', connect: connectOverPort },
  { kind: 'loopback', connect: connectOverSocket },
] as const;
