import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { WebSocket as NodeSocket } from 'ws';
import { RPC_PROTOCOL } from '../../main/loopback/access.ts';
import { serveLoopback } from '../../main/loopback/server.ts';
import type { Loopback } from '../../main/loopback/server.ts';
import { fixtureHost } from '../contract/fixtureHost.ts';
import { temporaryFolder } from '../temporaryFolder.ts';

let folder: string;
let loopback: Loopback;
let cookie: string;
const mediaSignals: AbortSignal[] = [];

beforeAll(async () => {
  folder = await temporaryFolder('loopback');
  await mkdir(join(folder, 'renderer', 'assets'), { recursive: true });
  await writeFile(join(folder, 'renderer', 'index.html'), '<!doctype html>page');
  await writeFile(join(folder, 'renderer', 'assets', 'index.js'), 'void 0;');
  await writeFile(join(folder, 'secret.txt'), 'secret');
  await symlink(join(folder, 'secret.txt'), join(folder, 'renderer', 'link.txt'));
  const host = {
    ...fixtureHost('loopback', folder),
    handleMedia: (request: Request) => {
      mediaSignals.push(request.signal);
      const body = request.url.endsWith('/endless') ? new ReadableStream() : new URL(request.url).pathname;
      return Promise.resolve(new Response(body));
    },
  };
  loopback = await serveLoopback({
    host,
    pageFolder: join(folder, 'renderer'),
    port: 0,
    log: () => undefined,
  });
  const response = await signIn(loopback.token);
  cookie = (response.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
});
afterAll(() => loopback.close());

const signIn = (token: string): Promise<Response> =>
  fetch(`${loopback.origin}/session`, { method: 'POST', headers: { authorization: `Bearer ${token}` } });

/** `fetch` forbids setting Host, Origin and Sec-Fetch-Site, and tidies paths up. */
function rawRequest(
  path: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(loopback.origin);
    httpRequest({ hostname, port, path, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }),
      );
    })
      .on('error', reject)
      .end();
  });
}

describe('who is answered', () => {
  it('listens on 127.0.0.1 alone', async () => {
    expect(loopback.origin).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    const other = connect(Number(new URL(loopback.origin).port), '127.0.0.2');
    const outcome = await new Promise((resolve) => {
      other.on('connect', () => resolve('connected'));
      other.on('error', () => resolve('refused'));
    });
    other.destroy();
    expect(outcome).toBe('refused');
  });

  it.each(['example.org', 'evil.127.0.0.1.example.org:80', '127.0.0.1.example.org'])(
    'refuses the host name %j',
    async (host) => {
      expect((await rawRequest('/', { host })).status).toBe(421);
    },
  );

  it.each(['127.0.0.1:1', 'localhost:8080', '[::1]:9'])('answers a tunnel as %s', async (host) => {
    expect((await rawRequest('/', { host })).status).toBe(200);
  });

  it.each(['https://example.org', 'http://127.0.0.1:1', 'null'])('refuses the origin %s', async (origin) => {
    expect((await rawRequest('/', { origin })).status).toBe(403);
  });

  it('refuses what another site or port makes the browser fetch', async () => {
    for (const site of ['cross-site', 'same-site']) {
      const headers = { 'sec-fetch-site': site, 'sec-fetch-mode': 'no-cors', cookie };
      expect((await rawRequest('/media/footage/1/original', headers)).status).toBe(403);
    }
  });

  it('lets a link from elsewhere open the page', async () => {
    const headers = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' };
    expect((await rawRequest('/', headers)).status).toBe(200);
  });
});

describe('session', () => {
  it('keeps the token out of everything a browser sends or a server logs', () => {
    const url = new URL(loopback.url);
    expect(url.hash).toBe(`#token=${loopback.token}`);
    expect(url.pathname + url.search).toBe('/');
    expect(Buffer.from(loopback.token, 'base64url')).toHaveLength(32);
  });

  it('is given for the token only, as a cookie no script and no other site can use', async () => {
    expect((await signIn('wrong')).status).toBe(401);
    expect((await signIn(`${loopback.token}x`)).status).toBe(401);
    const response = await signIn(loopback.token);
    expect(response.status).toBe(204);
    const setCookie = response.headers.get('set-cookie') ?? '';
    expect(setCookie).toContain(`sightline-${new URL(loopback.origin).port}=`);
    expect(setCookie).toContain('HttpOnly');
    expect(setCookie).toContain('SameSite=Strict');
    expect(setCookie).not.toContain(loopback.token);
  });

  it('tells a page whether it has one', async () => {
    expect((await rawRequest('/session')).status).toBe(401);
    expect((await rawRequest('/session', { cookie })).status).toBe(204);
    expect((await rawRequest('/session', { cookie: `${cookie}x` })).status).toBe(401);
  });

  it('is wanted for media', async () => {
    expect((await rawRequest('/media/footage/1/original')).status).toBe(401);
    const answer = await rawRequest('/media/footage/1/original', { cookie });
    expect(answer).toEqual({ status: 200, text: '/media/footage/1/original' });
  });

  it('is wanted for dropped files', async () => {
    const response = await fetch(`${loopback.origin}/received?name=a.mp4`, { method: 'POST', body: 'video' });
    expect(response.status).toBe(401);
  });
});

describe('contract socket', () => {
  const outcomeOf = (path: string, protocols: string[], headers: Record<string, string>): Promise<string> =>
    new Promise((resolve) => {
      const socket = new NodeSocket(`${loopback.origin.replace('http', 'ws')}${path}`, protocols, {
        headers,
      });
      socket.on('open', () => {
        resolve(`open ${socket.protocol}`);
        socket.terminate();
      });
      socket.on('error', (error) => resolve(error.message));
    });

  it('opens for a session', async () => {
    expect(await outcomeOf('/rpc', [RPC_PROTOCOL], { cookie })).toBe(`open ${RPC_PROTOCOL}`);
  });

  it.each([
    ['without one', '/rpc', [RPC_PROTOCOL], {}, '401'],
    ['for another host name', '/rpc', [RPC_PROTOCOL], { host: 'example.org' }, '421'],
    ['for another origin', '/rpc', [RPC_PROTOCOL], { origin: 'https://example.org' }, '403'],
    ['for another port', '/rpc', [RPC_PROTOCOL], { origin: 'http://127.0.0.1:1' }, '403'],
    ['at another path', '/elsewhere', [RPC_PROTOCOL], {}, '404'],
  ])('stays shut %s', async (_name, path, protocols, headers, status) => {
    const withCookie = status === '401' ? headers : { ...headers, cookie };
    expect(await outcomeOf(path, protocols, withCookie)).toContain(status);
  });
});

describe('page', () => {
  it('is served with its policy and isolation', async () => {
    const response = await fetch(loopback.origin);
    expect(await response.text()).toContain('page');
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(response.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-embedder-policy': 'require-corp',
      'cross-origin-resource-policy': 'same-origin',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    });
  });

  it('is served with its files', async () => {
    const response = await fetch(`${loopback.origin}/assets/index.js`);
    expect(response.headers.get('content-type')).toBe('text/javascript; charset=utf-8');
  });

  it.each([
    '/../secret.txt',
    '/%2e%2e/secret.txt',
    '/..%2fsecret.txt',
    '/assets/..%5c..%5csecret.txt',
    '/assets/%2e%2e/%2e%2e/secret.txt',
    '/link.txt',
    '/%00',
    '/%ff',
    '/assets',
    '/nothing.html',
  ])('serves nothing for %s', async (path) => {
    const { status, text } = await rawRequest(path);
    expect(status).toBe(404);
    expect(text).not.toContain('secret');
  });
});

describe('media', () => {
  it('learns that the page has stopped listening', async () => {
    const controller = new AbortController();
    const response = await fetch(`${loopback.origin}/media/endless`, {
      headers: { cookie },
      signal: controller.signal,
    });
    expect(response.status).toBe(200);
    controller.abort();
    await vi.waitFor(() => expect(mediaSignals.at(-1)?.aborted).toBe(true));
  });
});

describe('dropped files', () => {
  const drop = async (name: string, body: BodyInit): Promise<{ status: number; answer: unknown }> => {
    const response = await fetch(`${loopback.origin}/received?name=${encodeURIComponent(name)}`, {
      method: 'POST',
      headers: { cookie },
      body,
    });
    return { status: response.status, answer: await response.json() };
  };

  it('lie beside the case under their own names, none over another', async () => {
    const received = join(folder, 'received');
    expect(await drop('cam 1.mp4', 'first')).toEqual({
      status: 200,
      answer: { path: join(received, 'cam 1.mp4') },
    });
    expect(await drop('cam 1.mp4', 'second')).toEqual({
      status: 200,
      answer: { path: join(received, 'cam 1 (2).mp4') },
    });
    expect(await readFile(join(received, 'cam 1.mp4'), 'utf8')).toBe('first');
    expect(await readFile(join(received, 'cam 1 (2).mp4'), 'utf8')).toBe('second');
  });

  it('lie in a folder of the name of the one they were dropped in', async () => {
    const query = new URLSearchParams({ name: 'a.mp4', folder: '../Door: 1' });
    const response = await fetch(`${loopback.origin}/received?${query}`, {
      method: 'POST',
      headers: { cookie },
      body: 'x',
    });
    expect(await response.json()).toEqual({ path: join(folder, 'received', 'Door_ 1', 'a.mp4') });
  });

  it('keep no folder of the name they come under', async () => {
    const { answer } = await drop('../../etc/pass:wd\n.mp4', 'x');
    expect(answer).toEqual({ path: join(folder, 'received', 'pass_wd_.mp4') });
  });

  it('leave nothing behind when the page goes away in the middle', async () => {
    const before = await readdir(join(folder, 'received'));
    const { hostname, port } = new URL(loopback.origin);
    const headers = { cookie, 'content-length': '1000000' };
    const request = httpRequest({ hostname, port, path: '/received?name=half.mp4', method: 'POST', headers });
    request.on('error', () => undefined);
    request.write(Buffer.alloc(1000));
    await vi.waitFor(async () => {
      expect(await readdir(join(folder, 'received'))).toContain('half.mp4');
    });
    request.destroy();
    await vi.waitFor(async () => {
      expect(await readdir(join(folder, 'received'))).toEqual(before);
    });
  });

  it('are refused without a length', async () => {
    const body = new ReadableStream({
      start: (controller) => {
        controller.enqueue(new TextEncoder().encode('x'));
        controller.close();
      },
    });
    const response = await fetch(`${loopback.origin}/received?name=a.mp4`, {
      method: 'POST',
      headers: { cookie },
      body,
      duplex: 'half',
    } as RequestInit);
    expect(response.status).toBe(422);
    expect(await response.json()).toMatchObject({ code: 'input.invalid' });
  });
});
