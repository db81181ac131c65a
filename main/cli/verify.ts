import { errorDataFrom } from '../../preload/contract/errors.ts';
import { footageName } from '../../preload/contract/footage.ts';
import type { CoverageInterval } from '../../preload/contract/footage.ts';
import { checkContent } from '../footage/original.ts';
import type { StoredFootage } from '../store/store.ts';
import type { CommandContext } from './commandContext.ts';
import { EXIT } from './exitCodes.ts';
import type { ExitCode } from './exitCodes.ts';

interface Checked {
  readonly what: string;
  readonly isRight: boolean;
  readonly problem: string | null;
}

/**
 * `sightline verify`: the database is sound, each footage's coverage adds up to its whole duration, each original is
 * there and has the SHA-256 it had.
 */
export async function verify({ host, output, signal }: CommandContext): Promise<ExitCode> {
  const { store } = host.session;
  const problems = await store.read.queryIntegrity();
  const checked: Checked[] = [
    { what: 'database', isRight: problems.length === 0, problem: problems.join('; ') || null },
  ];
  const originals = new Map<string, string | null>();
  for (const footage of await store.read.queryFootage()) {
    const gap = firstGap(await store.read.queryCoverage(footage.footageId), footage);
    checked.push({ what: `coverage of ${footageName(footage)}`, isRight: gap === null, problem: gap });
    // Streams of one file have one original.
    const original = `${footage.sha256} ${footage.path}`;
    const problem = originals.has(original)
      ? (originals.get(original) ?? null)
      : await originalProblem(footage, signal);
    originals.set(original, problem);
    checked.push({ what: `original of ${footageName(footage)}`, isRight: problem === null, problem });
  }
  if (output.isJson) output.json(checked);
  else for (const { what, problem } of checked) output.line(`${what}: ${problem ?? 'right'}`);
  return checked.every(({ isRight }) => isRight) ? EXIT.ok : EXIT.incomplete;
}

/** What is wrong with a footage's original; null when nothing is. */
async function originalProblem(footage: StoredFootage, signal: AbortSignal): Promise<string | null> {
  return checkContent(footage, footage.path, signal).then(
    () => null,
    (thrown: unknown) => {
      signal.throwIfAborted();
      return errorDataFrom(thrown).message;
    },
  );
}

/** Where the intervals do not tile the footage's extent; null when they do. */
function firstGap(
  coverage: readonly CoverageInterval[],
  { startPtsUs, endPtsUs }: { readonly startPtsUs: number; readonly endPtsUs: number },
): string | null {
  let coveredToPtsUs = startPtsUs;
  for (const { fromPtsUs, toPtsUs } of coverage) {
    if (fromPtsUs !== coveredToPtsUs) return `${coveredToPtsUs} µs is followed by ${fromPtsUs} µs`;
    coveredToPtsUs = toPtsUs;
  }
  return coveredToPtsUs === endPtsUs ? null : `it ends at ${coveredToPtsUs} µs and not at ${endPtsUs} µs`;
}
