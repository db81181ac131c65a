import { spawn } from 'node:child_process';
import type { Log } from '../ports.ts';

/** The system's own "open this" command, or null where nobody would see a browser. */
function openCommand(url: string): readonly [command: string, ...args: string[]] | null {
  if (process.platform === 'darwin') return ['open', url];
  if (process.platform === 'win32') return ['rundll32', 'url.dll,FileProtocolHandler', url];
  const { DISPLAY, WAYLAND_DISPLAY } = process.env;
  return DISPLAY === undefined && WAYLAND_DISPLAY === undefined ? null : ['xdg-open', url];
}

/** Opens the address in the person's browser where there is a display. Failing to is no failure: it is printed. */
export function openInBrowser(url: string, log: Log): void {
  const command = openCommand(url);
  if (command === null) return;
  const [name, ...args] = command;
  const child = spawn(name, args, { stdio: 'ignore', detached: true });
  child.on('error', (error) => log('info', 'loopback', `no browser was opened: ${error.message}`));
  child.unref();
}
