import { createServer } from 'node:http';
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { getRequestListener } from '@hono/node-server';
import type { HttpBindings } from '@hono/node-server';
import { RPCHandler } from '@orpc/server/ws';
import { Hono } from 'hono';
import type { Context } from 'hono';
import { WebSocketServer } from 'ws';
import type { WebSocket } from 'ws';
import { AppError, errorDataFrom } from '../../preload/contract/errors.ts';
import type { Host, Log } from '../ports.ts';
import { rpcErrorInterceptor } from '../shell/rpcErrors.ts';
import { contentSecurityPolicy, SECURITY_HEADERS } from '../shell/securityHeaders.ts';
import { bearerToken, createSession, createToken, isSameSecret, refusalOf, RPC_PROTOCOL } from './access.ts';
import type { Session } from './access.ts';
import { readPageFile } from '../shell/pageFiles.ts';
import { ReceivedFiles } from '../footage/receivedFiles.ts';
import { receiveFile } from './receivedFiles.ts';

/** Calls are small; what is large goes by URL. */
const LONGEST_MESSAGE_BYTES = 16 * 1024 * 1024;

export interface LoopbackOptions {
  readonly host: Host;
  /** The built page. */
  readonly pageFolder: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly log: Log;
}

/** A running server. */
export interface Loopback {
  /** `http://127.0.0.1:PORT`. */
  readonly origin: string;
  /** Opens the page signed in: the token is in the fragment, which no browser sends and no server logs. */
  readonly url: string;
  readonly token: string;
  /** Ends every connection and subscription, then the server; the host is left to its owner. */
  readonly close: () => Promise<void>;
}

/**
 * Serves the page, the contract (WebSocket `/rpc`), media URLs and dropped files on 127.0.0.1, to this machine's own
 * browser only: `Host` and `Origin` are checked on everything, and all but the page's own files wants the session
 * that `POST /session` gives for the token.
 *
 * @throws what `listen` throws, such as EADDRINUSE
 */
export async function serveLoopback(options: LoopbackOptions): Promise<Loopback> {
  const server = createServer();
  const port = await listen(server, options.port);
  const token = createToken();
  const session = createSession(port);
  const app = createApp(options, { token, session });
  const listener = getRequestListener(app.fetch, { overrideGlobalObjects: false });
  server.on('request', (request, response) => void listener(request, response));
  const sockets = serveRpc(server, options, session);
  const origin = `http://127.0.0.1:${port}`;
  return {
    origin,
    url: `${origin}/#token=${token}`,
    token,
    close: async () => {
      for (const socket of sockets.clients) socket.terminate();
      const { promise, resolve } = Promise.withResolvers<void>();
      server.close(() => resolve());
      server.closeAllConnections();
      await promise;
    },
  };
}

async function listen(server: Server, port: number): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen(port, '127.0.0.1', resolve);
  await promise;
  server.off('error', reject);
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return address.port;
}

type App = Hono<{ Bindings: HttpBindings }>;
type AppContext = Context<{ Bindings: HttpBindings }>;

function createApp(
  options: LoopbackOptions,
  access: { readonly token: string; readonly session: Session },
): App {
  const policy = contentSecurityPolicy(null);
  const isSignedIn = (context: AppContext): boolean => access.session.isOpenFor(context.env.incoming.headers);
  const app: App = new Hono();
  app.use(async (context, next) => {
    const isPage = context.req.method === 'GET' && context.req.header('sec-fetch-mode') === 'navigate';
    const refusal = refusalOf(context.env.incoming.headers, isPage);
    if (refusal === null) await next();
    else context.res = new Response('Refused: this server answers its own page only.', { status: refusal });
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) context.res.headers.set(name, value);
    context.res.headers.set('content-security-policy', policy);
    context.res.headers.set('cross-origin-resource-policy', 'same-origin');
  });
  app.get('/session', (context) => context.body(null, isSignedIn(context) ? 204 : 401));
  app.post('/session', (context) => {
    if (!isSameSecret(bearerToken(context.req.header('authorization')), access.token)) {
      return context.body(null, 401);
    }
    return context.body(null, 204, { 'set-cookie': access.session.setCookie });
  });
  app.all('/media/*', (context) =>
    isSignedIn(context) ? options.host.handleMedia(context.req.raw) : context.body(null, 401),
  );
  app.post('/received', (context) =>
    isSignedIn(context) ? answerReceived(context, options) : context.body(null, 401),
  );
  app.get('*', async (context) => {
    const file = await readPageFile(options.pageFolder, context.req.path);
    if (file === null) return context.text('There is no such page.', 404);
    return context.body(file.bytes, 200, { 'content-type': file.contentType, 'cache-control': 'no-cache' });
  });
  app.onError((error, context) => {
    options.log('error', 'loopback', `${context.req.method} ${context.req.path} failed`, error.stack);
    return context.text('Something went wrong; the log says what.', 500);
  });
  return app;
}

/**
 * `POST /received?name=…&folder=…` with the file as its body: `{ path }`, or ErrorData with 422. `folder` is the name
 * of the folder the file was dropped in, and left out for a file that was dropped by itself.
 */
async function answerReceived(context: AppContext, options: LoopbackOptions): Promise<Response> {
  const { host, log } = options;
  try {
    const name = context.req.query('name');
    const length = context.req.header('content-length');
    const body = context.req.raw.body;
    if (name === undefined || length === undefined || body === null) {
      throw new AppError('input.invalid', 'A dropped file comes with its name, its length and its bytes.');
    }
    const path = await receiveFile({
      received: new ReceivedFiles(host.caseFolder()),
      folderName: context.req.query('folder') ?? null,
      name,
      sizeBytes: Number(length),
      body,
      signal: context.req.raw.signal,
    });
    return context.json({ path });
  } catch (error) {
    if (context.req.raw.signal.aborted) return new Response(null, { status: 499 });
    const data = errorDataFrom(error);
    log('warn', 'loopback', data.message, error instanceof Error ? error.stack : undefined);
    return context.json(data, 422);
  }
}

function serveRpc(server: Server, options: LoopbackOptions, session: Session): WebSocketServer {
  const { host, log } = options;
  const handler = new RPCHandler(host.router, { clientInterceptors: [rpcErrorInterceptor(log)] });
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: LONGEST_MESSAGE_BYTES,
    handleProtocols: (protocols) => (protocols.has(RPC_PROTOCOL) ? RPC_PROTOCOL : false),
  });
  const connect = (socket: WebSocket): void => {
    socket.on('error', (error) => log('warn', 'loopback', `a page's connection broke: ${error.message}`));
    void handler.upgrade(socket, { context: { host: 'loopback' } });
  };
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy());
    const refusal =
      refusalOf(request.headers, false) ??
      (request.url !== '/rpc' ? 404 : session.isOpenFor(request.headers) ? null : 401);
    if (refusal === null) sockets.handleUpgrade(request, socket, head, connect);
    else socket.end(`HTTP/1.1 ${refusal} Refused\r\nConnection: close\r\n\r\n`);
  });
  return sockets;
}
