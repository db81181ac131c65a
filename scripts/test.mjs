// `npm test`: format, lint, types, build, then every test. `npm test -- test/unit/time` runs those tests only.
// Set-up has run before (`pretest`). Exits non-zero when anything fails.
import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { findBrowser } from './setup/tools.mjs';
import { node24, readJson, root } from './setup/project.mjs';

const TSC = 'node_modules/typescript/bin/tsc';
const CHECKS = [
  { name: 'eslint', args: ['node_modules/eslint/bin/eslint.js', '.', '--max-warnings', '0'] },
  { name: 'build', args: ['scripts/build.mjs'] },
  {
    name: 'prettier',
    args: ['node_modules/prettier/bin/prettier.cjs', '--check', '--log-level', 'warn', '.'],
  },
  { name: 'tsc main', args: [TSC, '-p', 'main/tsconfig.json'] },
  { name: 'tsc preload', args: [TSC, '-p', 'preload/tsconfig.json'] },
  { name: 'tsc renderer', args: [TSC, '-p', 'renderer/tsconfig.json'] },
  { name: 'tsc test', args: [TSC, '-p', 'test/tsconfig.json'] },
  {
    name: 'svelte-check',
    args: [
      'node_modules/svelte-check/bin/svelte-check',
      ...['--tsconfig', 'renderer/tsconfig.json', '--fail-on-warnings', '--output', 'human'],
    ],
  },
  { name: 'electron-builder.yml', args: ['scripts/validateBuilder.mjs'] },
];
const RESULTS = 'out/test-results.json';

/** Runs one check and prints its output only where it failed. */
function runCheck({ name, args }) {
  return new Promise((resolve) => {
    const startedMs = Date.now();
    const child = spawn(node24, args, { cwd: root });
    const output = [];
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => output.push(chunk));
    child.on('close', (code) => {
      const seconds = ((Date.now() - startedMs) / 1000).toFixed(1);
      console.log(`${code === 0 ? 'ok    ' : 'FAILED'} ${name.padEnd(22)} ${seconds.padStart(6)} s`);
      if (code !== 0) process.stdout.write(Buffer.concat(output));
      resolve({ name, isPassed: code === 0 });
    });
  });
}

/** As many at once as there are cores, at most two: each of them takes up to a gigabyte. */
async function runChecks() {
  const waiting = [...CHECKS];
  const results = [];
  const runNext = async () => {
    for (let check = waiting.shift(); check !== undefined; check = waiting.shift()) {
      results.push(await runCheck(check));
    }
  };
  await Promise.all(Array.from({ length: Math.min(2, availableParallelism()) }, runNext));
  return results;
}

function runVitest(args) {
  return new Promise((resolve) => {
    const browser = findBrowser();
    const environment = browser === null ? process.env : { ...process.env, CHROMIUM_PATH: browser };
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${RESULTS}`];
    const child = spawn(
      node24,
      [join(root, 'node_modules/vitest/vitest.mjs'), 'run', ...reporters, ...args],
      {
        cwd: root,
        stdio: 'inherit',
        env: environment,
      },
    );
    child.on('exit', (code) => resolve(code ?? 1));
  });
}

const only = process.argv.slice(2);
const checks = only.length > 0 ? [] : await runChecks();
const failedChecks = checks.filter(({ isPassed }) => !isPassed).map(({ name }) => name);
const startedMs = Date.now();
const vitestCode = await runVitest(only);
if (failedChecks.length > 0) console.log(`checks that failed: ${failedChecks.join(', ')}`);
const { startTime = 0, numPassedTests = 0, numFailedTests = 0, ...other } = readJson(join(root, RESULTS));
const isOfThisRun = startTime >= startedMs;
const skipped = (other.numPendingTests ?? 0) + (other.numTodoTests ?? 0);
if (isOfThisRun) console.log(`${numPassedTests} passed, ${numFailedTests} failed, ${skipped} skipped`);
process.exit(vitestCode !== 0 || failedChecks.length > 0 ? 1 : 0);
