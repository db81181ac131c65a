import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import SQLite from 'better-sqlite3';

const CLI = fileURLToPath(new URL('../../main/cli/main.ts', import.meta.url));

/** Everything of a run that must not depend on where it was interrupted, row by row. */
const RESULT_QUERIES = {
  runs: `SELECT state, checkpoint_pts_us, frames_decoded, frames_analysed, frames_skipped, detections, findings
         FROM runs ORDER BY run_id`,
  detections: `SELECT d.*, c.name FROM detections d JOIN classes c USING (class_id) ORDER BY run_id, detection_no`,
  analysedFrames: 'SELECT * FROM analysed_frames ORDER BY run_id, pts_us',
  findings: `SELECT f.*, c.name FROM findings f JOIN classes c USING (class_id) ORDER BY finding_id`,
  coverage: 'SELECT * FROM coverage ORDER BY run_id, from_pts_us',
  timelineBins: 'SELECT * FROM timeline_bins ORDER BY run_id, level, class_id, chunk',
} as const;

/** The result rows of a case, as text that is the same for the same rows; and what SQLite says of its integrity. */
export function readResults(caseFolder: string): { rows: Record<string, string[]>; integrity: string } {
  const db = new SQLite(join(caseFolder, 'case.sqlite'), { readonly: true });
  try {
    const rows = Object.fromEntries(
      Object.entries(RESULT_QUERIES).map(([name, sql]) => [
        name,
        db
          .prepare(sql)
          .all()
          .map((row) => JSON.stringify(row)),
      ]),
    );
    return { rows, integrity: String(db.pragma('integrity_check', { simple: true })) };
  } finally {
    db.close();
  }
}

/** Four drawn people. */
const SCENE = fileURLToPath(new URL('../golden/detect/figures.png', import.meta.url));

/** A clip in which people drift past, `seconds` long, 25 frames a second, a key frame every second. */
export function makeClip(path: string, seconds: number): void {
  execFileSync('ffmpeg', [
    ...['-nostdin', '-v', 'error', '-loop', '1', '-framerate', '25', '-i', SCENE, '-t', String(seconds)],
    ...['-vf', 'scale=320:240,scroll=horizontal=0.005'],
    ...['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '25', '-pix_fmt', 'yuv420p', '-y', path],
  ]);
}

/** `sightline analyze` of one clip in a process of its own, small enough to take a few seconds; `extra` overrides. */
export function startAnalyze(options: {
  clipPath: string;
  caseFolder: string;
  homeFolder: string;
  extra?: readonly string[];
}): { child: ChildProcess; ended: Promise<{ code: number | null; stderr: string }> } {
  const child = spawn(
    process.execPath,
    [
      ...[CLI, 'analyze', options.clipPath, '--case', options.caseFolder],
      ...['--model', 'mask-rcnn-compact', '--every', 'all', '--short-side', '160', '--min-score', '0.02'],
      ...(options.extra ?? []),
    ],
    { env: { ...process.env, SIGHTLINE_HOME: options.homeFolder }, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = new Promise<{ code: number | null; stderr: string }>((resolve) => {
    child.once('close', (code) => resolve({ code, stderr }));
  });
  return { child, ended };
}

/** Process ids of a process's children, the analyzer among them. Linux only. */
export function childrenOf(pid: number): number[] {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
    return text.trim() === '' ? [] : text.trim().split(' ').map(Number);
  } catch {
    return [];
  }
}

/** The analyzer of an app process: the child that runs `analyzer/process.ts`. Linux only. */
export function analyzerOf(pid: number): number | null {
  for (const child of childrenOf(pid)) {
    try {
      if (readFileSync(`/proc/${child}/cmdline`, 'utf8').includes('analyzer/process.ts')) return child;
    } catch {
      // It has ended meanwhile.
    }
  }
  return null;
}

export interface KillRound {
  readonly victim: 'app' | 'analyzer';
  readonly afterMs: number;
}

/**
 * Analyses the clip in a fresh case, kills the victim with SIGKILL at the given time, and lets the same command go on
 * until it is through. Says whether anybody was really killed: the analysis may have been faster.
 */
export async function analyzeWithKill(
  round: KillRound,
  options: Parameters<typeof startAnalyze>[0],
): Promise<{ hasKilled: boolean; stderr: string }> {
  const { child, ended } = startAnalyze(options);
  await new Promise((resolve) => setTimeout(resolve, round.afterMs));
  const pid = child.pid ?? 0;
  const victim = round.victim === 'app' ? pid : analyzerOf(pid);
  const isRunning = child.exitCode === null && child.signalCode === null;
  if (victim !== null && isRunning) process.kill(victim, 'SIGKILL');
  const first = await ended;
  if (first.code === 0) return { hasKilled: victim !== null && isRunning, stderr: first.stderr };
  const second = await startAnalyze(options).ended;
  if (second.code !== 0) throw new Error(`analyze ended with ${second.code}: ${second.stderr}`);
  return { hasKilled: true, stderr: first.stderr + second.stderr };
}
