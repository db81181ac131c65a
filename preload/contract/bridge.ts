/**
 * What passes between the desktop window's preload script and its page. On the loopback host `window.sightline` is
 * absent and the page talks to the host over a WebSocket.
 */
export interface ShellBridge {
  /** Path of a file the person dropped or chose; a page cannot see it by itself. Empty for a file made by script. */
  readonly pathForFile: (file: File) => string;
}

/** Name of the {@link ShellBridge} on `window`. */
export const BRIDGE_NAME = 'sightline';

/**
 * The page posts this to its own window once it listens; the preload script answers with {@link PORT_MESSAGE}.
 * A MessagePort cannot pass through contextBridge, so it travels as `event.ports[0]` of a window message.
 */
export const CONNECT_MESSAGE = 'sightline:connect';

/** `event.data` of the window message that carries the port of the contract. */
export const PORT_MESSAGE = 'sightline:port';
