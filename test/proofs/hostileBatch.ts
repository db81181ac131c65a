// A folder of 30 hostile files and 3 good clips through `sightline analyze`: the good ones finish, every other file is
// named with its reason, and none of which frames are missing is called done. Run by: node test/proofs/hostileBatch.ts
import { spawn } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { sharedPath } from '../sharedMaterial.ts';

const CLI = fileURLToPath(new URL('../../main/cli/main.ts', import.meta.url));
const HOSTILE_FILES = 30;
const GOOD_CLIPS = ['plaza-pedestrians.mp4', 'dashcam-hevc.mp4', 'highway-mpeg4.avi'];

const Report = z.object({
  clips: z.array(
    z.object({
      clip: z.string(),
      state: z.string(),
      framesDecoded: z.number(),
      error: z.string().nullable(),
    }),
  ),
  refused: z.array(z.object({ path: z.string(), code: z.string(), message: z.string() })),
});

const FootageList = z.array(
  z.looseObject({ fileName: z.string(), notices: z.array(z.looseObject({ kind: z.string() })) }),
);

const Manifest = z.object({
  files: z.array(
    z.looseObject({
      file: z.string(),
      kind: z.string(),
      framesInHeader: z.coerce.number().nullable(),
      framesDecoded: z.number(),
    }),
  ),
});

async function runCli(
  args: readonly string[],
  homeFolder: string,
): Promise<{ code: number | null; stdout: string }> {
  const child = spawn(process.execPath, [CLI, ...args], {
    env: { ...process.env, SIGHTLINE_HOME: homeFolder },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, stdout };
}

async function fingerprint(path: string): Promise<string> {
  const { mtimeMs } = await stat(path);
  return `${mtimeMs} ${createHash('sha256')
    .update(await readFile(path))
    .digest('hex')}`;
}

const hostile = sharedPath('hostile');
const footage = sharedPath('footage');
if (hostile === null || footage === null) process.exit(0);

const folder = await mkdtemp(join(tmpdir(), 'sightline-hostile-'));
const problems: string[] = [];
try {
  const mixed = join(folder, 'mixed');
  await mkdir(mixed);
  const manifest = Manifest.parse(JSON.parse(await readFile(join(hostile, 'manifest.json'), 'utf8')));
  const every = manifest.files.length / HOSTILE_FILES;
  const chosen = Array.from(
    { length: HOSTILE_FILES },
    (_, i) => manifest.files[Math.floor(i * every)],
  ).filter((one) => one !== undefined);
  for (const { file } of chosen) await cp(join(hostile, file), join(mixed, file));
  for (const clip of GOOD_CLIPS) await cp(join(footage, clip), join(mixed, clip));
  const names = await readdir(mixed);
  const before = new Map<string, string>();
  for (const name of names) before.set(name, await fingerprint(join(mixed, name)));

  const caseFolder = join(folder, 'case');
  const args = ['analyze', mixed, '--case', caseFolder, '--every', '1000', '--short-side', '160', '--json'];
  const { code, stdout } = await runCli(args, join(folder, 'home'));
  const report = Report.parse(JSON.parse(stdout));
  const listed = await runCli(['footage', '--case', caseFolder, '--json'], join(folder, 'home'));
  // What an edit list hides is not shown by any player; the footage says so in a notice.
  const edited = FootageList.parse(JSON.parse(listed.stdout))
    .filter(({ notices }) => notices.some(({ kind }) => kind === 'editList'))
    .map(({ fileName }) => fileName);

  for (const name of names) {
    const clips = report.clips.filter(({ clip }) => clip === name);
    const refused = report.refused.filter(({ path }) => path.endsWith(`/${name}`));
    const one = chosen.find(({ file }) => file === name);
    const facts =
      one === undefined ? 'good' : `${one.kind}, ${one.framesDecoded} of ${one.framesInHeader ?? '?'} frames`;
    const outcome =
      clips.map(({ state, framesDecoded, error }) => `${state}, ${framesDecoded} decoded${error ?? ''}`)[0] ??
      refused.map(({ code: why, message }) => `refused (${why}): ${message.replace(mixed, '')}`)[0];
    console.log(`${name} [${facts}]: ${outcome ?? 'NOT NAMED'}`);
    if (clips.length + refused.length !== 1)
      problems.push(`${name} is named ${clips.length + refused.length} times`);
    if (one === undefined && clips[0]?.state !== 'done') problems.push(`${name} is good and did not finish`);
    const decoded = clips[0]?.framesDecoded ?? 0;
    const isMissing = decoded < (one?.framesInHeader ?? 0) && !edited.includes(name);
    if (isMissing && clips[0]?.state === 'done') problems.push(`${name} misses frames and is called done`);
    if (before.get(name) !== (await fingerprint(join(mixed, name)))) problems.push(`${name} was changed`);
  }
  if (code !== 1) problems.push(`the exit code is ${code} and not 1`);
  const verified = await runCli(['verify', '--case', caseFolder, '--json'], join(folder, 'home'));
  if (verified.code !== 0) problems.push(`verify ends with ${verified.code}: ${verified.stdout}`);
} finally {
  await rm(folder, { recursive: true, force: true });
}
console.log(
  problems.length === 0
    ? `all ${HOSTILE_FILES + GOOD_CLIPS.length} files as they should be`
    : problems.join('\n'),
);
process.exitCode = problems.length === 0 ? 0 : 1;
