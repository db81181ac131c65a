import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { WantedProvider } from '../../preload/contract/providers.ts';

/** What the app remembers besides its cases. Keys of other versions are kept as they are. */
const Settings = z.looseObject({
  defaultModelId: z.string().optional(),
  /** See the contract's ModelSettings. */
  modelMirror: z.string().nullable().optional(),
  /** Execution provider of runs that are not asked for another; of another version's names none is taken. */
  provider: WantedProvider.optional().catch(undefined),
});
export type Settings = z.infer<typeof Settings>;

const settingsPath = (userDataFolder: string): string => join(userDataFolder, 'settings.json');

/** The settings; none when the file is absent or damaged, because losing a preference must not stop the app. */
export async function readSettings(userDataFolder: string): Promise<Settings> {
  try {
    return Settings.parse(JSON.parse(await readFile(settingsPath(userDataFolder), 'utf8')));
  } catch {
    return {};
  }
}

/** Sets the given keys and leaves the others; the file is replaced in one step. */
export async function updateSettings(userDataFolder: string, change: Settings): Promise<void> {
  const settings = { ...(await readSettings(userDataFolder)), ...change };
  await mkdir(userDataFolder, { recursive: true });
  const path = settingsPath(userDataFolder);
  const partPath = `${path}.${randomUUID()}.part`;
  await writeFile(partPath, `${JSON.stringify(settings, null, 2)}\n`);
  await rename(partPath, path);
}
