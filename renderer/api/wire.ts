import type { ClientContext, ClientLink } from '@orpc/client';
import { RPCLink as PortLink } from '@orpc/client/message-port';
import { RPCLink as SocketLink } from '@orpc/client/websocket';
import { BRIDGE_NAME, CONNECT_MESSAGE, PORT_MESSAGE } from '../../preload/contract/bridge.ts';
import type { ShellBridge } from '../../preload/contract/bridge.ts';

/** One live connection to the host. A new one is opened after it closes; it never reopens by itself. */
export interface Wire {
  readonly link: ClientLink<ClientContext>;
  /** Resolves once, when the connection is gone. */
  readonly closed: Promise<void>;
}

/** The host wants a token that this page does not have: only opening the printed address again helps. */
export class NotSignedInError extends Error {
  override readonly name = 'NotSignedInError';
}

/** The desktop window's bridge, null in a browser. */
export function shellBridge(): ShellBridge | null {
  const bridge: unknown = Reflect.get(window, BRIDGE_NAME);
  return isShellBridge(bridge) ? bridge : null;
}

function isShellBridge(value: unknown): value is ShellBridge {
  return typeof value === 'object' && value !== null && 'pathForFile' in value;
}

/** Opens the transport of whichever host this page runs on. @throws NotSignedInError on loopback without a session */
export function openWire(): Promise<Wire> {
  return shellBridge() === null ? openSocketWire() : openPortWire();
}

/** In the desktop window the preload script answers our message with a port of the contract. */
async function openPortWire(): Promise<Wire> {
  const { promise, resolve } = Promise.withResolvers<MessagePort>();
  const receive = (event: MessageEvent): void => {
    const port = event.ports[0];
    if (event.source !== window || event.data !== PORT_MESSAGE || port === undefined) return;
    window.removeEventListener('message', receive);
    resolve(port);
  };
  window.addEventListener('message', receive);
  window.postMessage(CONNECT_MESSAGE, window.origin === 'null' ? '*' : window.origin);
  const port = await promise;
  const closed = new Promise<void>((done) => port.addEventListener('close', () => done(), { once: true }));
  const link = new PortLink({ port });
  port.start();
  return { link, closed };
}

/** The server answers with this subprotocol; see `main/loopback/access.ts`. */
const RPC_PROTOCOL = 'sightline.rpc';

async function openSocketWire(): Promise<Wire> {
  await signIn();
  const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
  const websocket = new WebSocket(`${scheme}://${location.host}/rpc`, [RPC_PROTOCOL]);
  const opened = Promise.withResolvers<void>();
  const closed = new Promise<void>((done) => {
    websocket.addEventListener('close', () => {
      opened.reject(new Error('The connection was closed before it opened.'));
      done();
    });
  });
  websocket.addEventListener('open', () => opened.resolve());
  await opened.promise;
  return { link: new SocketLink({ websocket }), closed };
}

/**
 * Trades the token of the address's fragment for the session cookie, and takes it out of the address once the host
 * has answered, so that it stays in no history and no screenshot. An old token does not undo a session that is open.
 */
async function signIn(): Promise<void> {
  const token = new URLSearchParams(location.hash.slice(1)).get('token');
  let response: Response | null = null;
  if (token !== null) {
    response = await fetch('/session', { method: 'POST', headers: { authorization: `Bearer ${token}` } });
    history.replaceState(null, '', location.pathname + location.search);
  }
  if (response === null || response.status === 401) response = await fetch('/session');
  if (response.status === 401) throw new NotSignedInError('This address carries no valid token.');
  if (!response.ok) throw new Error(`The host answered ${response.status}.`);
}
