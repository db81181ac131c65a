import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

/** How a server of one file behaves. */
export interface ServerBehaviour {
  /** Cuts the connection of every answer after this many bytes of its body. */
  readonly cutAfterBytes?: number;
  /** Answers everything with the whole file. */
  readonly ignoresRange?: boolean;
  /** Answers a range with another one than asked for. */
  readonly shiftsRange?: boolean;
  /** Answers with this status and no file. */
  readonly status?: number;
  /** Sends everyone on to `/moved/...` first. */
  readonly redirects?: boolean;
  /** Sends so many bytes and then nothing more, and keeps the connection. */
  readonly stopsAfterBytes?: number;
}

export interface ModelServer {
  readonly origin: string;
  /** Path and Range header of every request so far. */
  readonly requests: Array<{ readonly path: string; readonly range: string | null }>;
  behaviour: ServerBehaviour;
  readonly close: () => Promise<void>;
}

/** Serves one content under every path of 127.0.0.1, with ranges, and remembers what it was asked. */
export async function serveModel(content: Uint8Array): Promise<ModelServer> {
  const requests: ModelServer['requests'] = [];
  const server = createServer((request, response) => {
    requests.push({ path: request.url ?? '', range: request.headers.range ?? null });
    answer(request, response, content, served.behaviour);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  const served: ModelServer = {
    origin: `http://127.0.0.1:${address.port}`,
    requests,
    behaviour: {},
    close: () => {
      server.closeAllConnections();
      return new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
  return served;
}

function answer(
  request: IncomingMessage,
  response: ServerResponse,
  content: Uint8Array,
  behaviour: ServerBehaviour,
): void {
  if (behaviour.status !== undefined) {
    response.writeHead(behaviour.status).end('no');
    return;
  }
  if (behaviour.redirects === true && request.url?.startsWith('/moved/') !== true) {
    response.writeHead(302, { location: `/moved${request.url ?? ''}` }).end();
    return;
  }
  const asked = /^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1];
  const from = behaviour.ignoresRange === true || asked === undefined ? 0 : Number(asked);
  if (from >= content.length && from > 0) {
    response.writeHead(416, { 'content-range': `bytes */${content.length}` }).end();
    return;
  }
  const stated = behaviour.shiftsRange === true ? from + 1 : from;
  const body = content.subarray(from);
  const range = { 'content-range': `bytes ${stated}-${content.length - 1}/${content.length}` };
  response.writeHead(from === 0 ? 200 : 206, {
    'content-length': body.length,
    ...(from === 0 ? {} : range),
  });
  const { cutAfterBytes, stopsAfterBytes } = behaviour;
  if (cutAfterBytes !== undefined) {
    response.write(body.subarray(0, cutAfterBytes), () => setTimeout(() => response.destroy(), 50));
  } else if (stopsAfterBytes !== undefined) response.write(body.subarray(0, stopsAfterBytes));
  else response.end(body);
}
