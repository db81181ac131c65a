import { contextBridge, ipcRenderer, webUtils } from 'electron';
import { BRIDGE_NAME, CONNECT_MESSAGE, PORT_MESSAGE } from './contract/bridge.ts';
import type { ShellBridge } from './contract/bridge.ts';

const bridge: ShellBridge = { pathForFile: (file) => webUtils.getPathForFile(file) };
contextBridge.exposeInMainWorld(BRIDGE_NAME, bridge);

window.addEventListener('message', (event) => {
  if (event.source === window && event.data === CONNECT_MESSAGE) ipcRenderer.send(CONNECT_MESSAGE);
});
ipcRenderer.on(PORT_MESSAGE, (event) => {
  window.postMessage(PORT_MESSAGE, window.location.origin, [...event.ports]);
});
