import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { z } from 'zod';

const root = fileURLToPath(new URL('../../', import.meta.url));
const require = createRequire(import.meta.url);
const electronVersion = z.object({ version: z.string() }).parse(require('electron/package.json')).version;

it('is valid by electron-builder’s own schema, with no network', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, ['scripts/validateBuilder.mjs'], {
    cwd: root,
  });
  expect(stdout).toContain('is valid');
});

it('packs the Electron that the project is built against, with its fuses shut', async () => {
  const text = await readFile(new URL('../../electron-builder.yml', import.meta.url), 'utf8');
  expect(text).toContain(`electronVersion: ${electronVersion}\n`);
  for (const line of [
    'runAsNode: false',
    'enableNodeOptionsEnvironmentVariable: false',
    'enableNodeCliInspectArguments: false',
    'enableEmbeddedAsarIntegrityValidation: true',
    'onlyLoadAppFromAsar: true',
    'grantFileProtocolExtraPrivileges: false',
  ]) {
    expect(text).toContain(line);
  }
});
