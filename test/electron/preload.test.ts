import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect, it, vi } from 'vitest';
import { CONNECT_MESSAGE, PORT_MESSAGE } from '../../preload/contract/bridge.ts';
import { ipcRenderer, told } from './standIn.ts';

const listeners: ((event: object) => void)[] = [];
const postMessage = vi.fn();
const page = {
  location: { origin: 'app://sightline' },
  addEventListener: (_name: string, listener: (event: object) => void) => listeners.push(listener),
  postMessage,
};
vi.stubGlobal('window', page);
await import('../../preload/preload.ts');

it('exposes the path of a dropped file and nothing else', () => {
  expect([...told.exposed.keys()]).toEqual(['sightline']);
  const bridge = told.exposed.get('sightline');
  expect(Object.keys(bridge ?? {})).toEqual(['pathForFile']);
  const pathForFile: unknown = Reflect.get(Object(bridge), 'pathForFile');
  expect(typeof pathForFile).toBe('function');
});

it('asks for the contract only when its own page does', () => {
  for (const event of [
    { source: {}, data: CONNECT_MESSAGE },
    { source: page, data: 'something else' },
  ]) {
    for (const listener of listeners) listener(event);
  }
  expect(told.sent).toEqual([]);
  for (const listener of listeners) listener({ source: page, data: CONNECT_MESSAGE });
  expect(told.sent).toEqual([CONNECT_MESSAGE]);
});

it('hands the port to its own origin only', () => {
  const port = {};
  ipcRenderer.emit(PORT_MESSAGE, { ports: [port] });
  expect(postMessage).toHaveBeenCalledWith(PORT_MESSAGE, 'app://sightline', [port]);
});

it('imports nothing but electron and the names of its messages', async () => {
  const source = await readFile(fileURLToPath(new URL('../../preload/preload.ts', import.meta.url)), 'utf8');
  const imported = [...source.matchAll(/from '([^']+)'/g)].map((match) => match[1]);
  expect(new Set(imported)).toEqual(new Set(['electron', './contract/bridge.ts']));
});
