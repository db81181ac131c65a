import { ipcMain, MessageChannelMain } from 'electron';
import type { WebFrameMain } from 'electron';
import { RPCHandler } from '@orpc/server/message-port';
import { CONNECT_MESSAGE, PORT_MESSAGE } from '../../preload/contract/bridge.ts';
import type { Host, Log } from '../ports.ts';
import { rpcErrorInterceptor } from '../shell/rpcErrors.ts';
import { isPageUrl } from './schemes.ts';

/**
 * Hands a port of the contract to our own page when its preload script asks. A frame inside the page, or any page of
 * another address, gets no answer.
 */
export function serveContract(host: Host, log: Log): void {
  const handler = new RPCHandler(host.router, { clientInterceptors: [rpcErrorInterceptor(log)] });
  ipcMain.on(CONNECT_MESSAGE, (event) => {
    const frame = event.senderFrame;
    if (frame === null || !isOwnPage(frame)) {
      log('warn', 'electron', `a page that is not ours asked for the contract: ${frame?.url ?? 'gone'}`);
      return;
    }
    const { port1, port2 } = new MessageChannelMain();
    handler.upgrade(port1, { context: { host: 'electron' } });
    port1.start();
    frame.postMessage(PORT_MESSAGE, null, [port2]);
  });
}

function isOwnPage(frame: WebFrameMain): boolean {
  return frame.parent === null && isPageUrl(frame.url);
}
