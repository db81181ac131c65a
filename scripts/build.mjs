// Bundles with Vite: `node scripts/build.mjs [renderer] [desktop] [--if-stale]`, both parts when none is named.
// The renderer is all the loopback host needs: main runs from source there.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { join } from 'node:path';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { build } from 'vite';
import { withLock } from './setup/lock.mjs';
import { readJson, root, writeJson } from './setup/project.mjs';

// Whoever asks for the build: under a test runner Vite would take over its NODE_ENV, and make a page that traces every
// state it keeps, which the app would go on using afterwards.
process.env.NODE_ENV = 'production';

/** Electron 45 is Chromium 150 and Node 24; Debian's Chromium is newer than this too. */
const PAGE_TARGET = 'chrome140';
const NODE_TARGET = 'node24';
/** Stay packages: binaries, and what must find its own files beside itself. */
const KEPT_PACKAGES = ['better-sqlite3', 'onnxruntime-node', 'ffmpeg-static'];

const PARTS = {
  renderer: { sources: ['renderer', 'preload/contract'], make: buildRenderer },
  desktop: { sources: ['main', 'preload'], make: buildDesktop },
};

async function buildRenderer() {
  await build({
    configFile: false,
    root: join(root, 'renderer'),
    // Relative, because the page is served under http: and under app:.
    base: './',
    logLevel: 'warn',
    plugins: [svelte()],
    build: { outDir: join(root, 'out/renderer'), emptyOutDir: true, target: PAGE_TARGET },
  });
}

/** Entry files of the desktop app's own processes and threads. */
const PROCESSES = {
  electron: 'main/electron/main.ts',
  storeThread: 'main/store/thread.ts',
  analyzer: 'main/analyzer/process.ts',
  decodeThread: 'main/video/decodeThreadEntry.ts',
};

async function buildDesktop() {
  rmSync(join(root, 'out/main'), { recursive: true, force: true });
  for (const [name, entry] of Object.entries(PROCESSES)) await buildProcess(name, entry);
  await buildPreload();
}

/** One file for each: a chunk shared by two of them would load SQLite into the shell. */
async function buildProcess(name, entry) {
  await build({
    configFile: false,
    root,
    logLevel: 'warn',
    ssr: { noExternal: true, external: ['electron', ...KEPT_PACKAGES] },
    build: {
      ssr: join(root, entry),
      outDir: join(root, 'out/main'),
      emptyOutDir: false,
      target: NODE_TARGET,
      rolldownOptions: {
        external: ['electron', /^node:/, ...builtinModules, ...KEPT_PACKAGES],
        // What a process imports but never uses, it does not load.
        treeshake: { moduleSideEffects: 'no-external' },
        output: { format: 'es', entryFileNames: `${name}.js` },
      },
    },
  });
}

/** Has to be CommonJS in one file, because the sandbox gives it no module loader. */
async function buildPreload() {
  await build({
    configFile: false,
    root,
    logLevel: 'warn',
    build: {
      lib: { entry: join(root, 'preload/preload.ts'), formats: ['cjs'], fileName: () => 'preload.cjs' },
      outDir: join(root, 'out/preload'),
      emptyOutDir: true,
      target: PAGE_TARGET,
      minify: false,
      rolldownOptions: { external: ['electron'] },
    },
  });
}

/** Changes when a source file, a dependency or this script does. */
function sourceHash(folders) {
  const hash = createHash('sha256').update(readFileSync(join(root, 'package-lock.json')));
  hash.update(readFileSync(new URL(import.meta.url)));
  for (const folder of folders) {
    const entries = readdirSync(join(root, folder), { recursive: true, withFileTypes: true });
    const files = entries
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
    for (const path of files.sort()) {
      const { mtimeMs, size } = statSync(path);
      hash.update(`${path} ${mtimeMs} ${size}\n`);
    }
  }
  return hash.digest('hex');
}

const stampPath = join(root, 'out', 'build.json');
const isIfStale = process.argv.includes('--if-stale');
const named = Object.keys(PARTS).filter((name) => process.argv.includes(name));

await withLock(async () => {
  for (const name of named.length > 0 ? named : Object.keys(PARTS)) {
    const { sources, make } = PARTS[name];
    const hash = sourceHash(sources);
    if (isIfStale && readJson(stampPath)[name] === hash) continue;
    const startedMs = Date.now();
    await make();
    writeJson(stampPath, { ...readJson(stampPath), [name]: hash });
    process.stderr.write(`[build] ${name} in ${Date.now() - startedMs} ms\n`);
  }
});
