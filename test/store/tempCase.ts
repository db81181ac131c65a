import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openReadDatabase } from '../../main/store/database.ts';
import type { ReadDatabase, WriteDatabase } from '../../main/store/database.ts';
import { casePaths, openWriteDatabase } from '../../main/store/openDatabase.ts';

/** A fresh folder of the system's temporary ones. */
export function makeTempFolder(): string {
  return mkdtempSync(join(tmpdir(), 'sightline-store-'));
}

export interface TempCase {
  readonly folder: string;
  readonly writer: WriteDatabase;
  readonly reader: ReadDatabase;
  dispose(): void;
}

/** An empty case with both connections open in this thread. */
export function makeTempCase(): TempCase {
  const folder = makeTempFolder();
  const databasePath = casePaths(folder).database;
  const writer = openWriteDatabase({
    databasePath,
    newCase: { name: 'Test', appVersion: '0.0.0-test' },
    nowWallMs: 0,
  });
  const reader = openReadDatabase(databasePath);
  return {
    folder,
    writer,
    reader,
    dispose: () => {
      reader.close();
      writer.close();
      rmSync(folder, { recursive: true });
    },
  };
}
