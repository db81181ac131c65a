import { once } from 'node:events';
import { RPC_PROTOCOL } from '../main/loopback/access.ts';

/** The `Cookie` header of a session, which the server gives for its token: what a page does when it is opened. */
async function signIn(origin: string, token: string): Promise<string> {
  const response = await fetch(`${origin}/session`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}` },
  });
  const cookie = response.headers.get('set-cookie')?.split(';')[0];
  if (cookie === undefined) throw new Error(`the server answered ${response.status} and no cookie`);
  return cookie;
}

/** A connection to the contract of a loopback server, signed in as a page is. */
export async function openSocket(origin: string, token: string): Promise<WebSocket> {
  const headers = { cookie: await signIn(origin, token) };
  // Node's own WebSocket takes headers where a page's takes only protocols, and its type is that of a page.
  const address = `${origin.replace('http', 'ws')}/rpc`;
  const socket: unknown = Reflect.construct(WebSocket, [address, { protocols: [RPC_PROTOCOL], headers }]);
  if (!(socket instanceof WebSocket)) throw new TypeError('this is no WebSocket');
  await once(socket, 'open');
  return socket;
}
