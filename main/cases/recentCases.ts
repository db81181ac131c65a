import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { RecentCase } from '../../preload/contract/cases.ts';

const MAX_RECENT = 20;

/** The cases opened last, newest first, in `recentCases.json` of the user data. */
export class RecentCases {
  readonly #folder: string;
  readonly #path: string;

  constructor(userDataFolder: string) {
    this.#folder = userDataFolder;
    this.#path = join(userDataFolder, 'recentCases.json');
  }

  /** None when the file is absent or damaged: a lost convenience must not stop the app. */
  async list(): Promise<RecentCase[]> {
    try {
      return z.array(RecentCase).parse(JSON.parse(await readFile(this.#path, 'utf8')));
    } catch {
      return [];
    }
  }

  /** Puts the case first; replaces the file in one step. */
  async note(opened: RecentCase): Promise<void> {
    const others = (await this.list()).filter(({ path }) => path !== opened.path);
    const recent = [opened, ...others].slice(0, MAX_RECENT);
    await mkdir(this.#folder, { recursive: true });
    const temporaryPath = `${this.#path}.${process.pid}.new`;
    await writeFile(temporaryPath, JSON.stringify(recent, null, 2));
    await rename(temporaryPath, this.#path);
  }
}
