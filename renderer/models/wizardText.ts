import type { ModelQuestion, ProposalTrial } from '../../preload/contract/modelProposals.ts';

/** `7 found: 5 person, 2 car`, of what scores enough, most frequent first. */
export function foundText({ detections }: ProposalTrial, minScore: number): string {
  const counts = new Map<string, number>();
  for (const { className, score } of detections) {
    if (score >= minScore) counts.set(className, (counts.get(className) ?? 0) + 1);
  }
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const fainter = detections.length - total;
  const fewer = fainter === 0 ? '' : ` ${fainter} more score less.`;
  if (total === 0) return `Nothing scores ${minScore} or more.${fewer}`;
  const classes = [...counts].toSorted(([, a], [, b]) => b - a).map(([name, count]) => `${count} ${name}`);
  return `${total} found: ${classes.join(', ')}.${fewer}`;
}

/** `Ran in 120 ms on cpu; loaded in 300 ms, 250 MB of memory`. */
export function ranText({ runMs, loadMs, provider, peakRssBytes }: ProposalTrial): string {
  const memory = `${Math.round(peakRssBytes / 1e6)} MB of memory`;
  return `Ran in ${Math.round(runMs)} ms on ${provider}; loaded in ${Math.round(loadMs)} ms, ${memory}.`;
}

/** What the person should look at, and what the file has settled. Name, licence and score have places of their own. */
export function sortQuestions(questions: readonly ModelQuestion[]): {
  readonly open: readonly ModelQuestion[];
  readonly settled: readonly ModelQuestion[];
} {
  const about = questions.filter(({ id }) => id !== 'name' && id !== 'licence' && id !== 'minScore');
  return {
    open: about.filter(({ isCertain }) => !isCertain),
    settled: about.filter(({ isCertain }) => isCertain),
  };
}

/** Endings of still pictures that a model can be tried on. */
const PICTURE = /\.(png|jpe?g|webp|bmp)$/i;

/** Whether a file can have a frame in it, going by its name: what it is shows when it is opened. */
export function mayHoldFrame({ kind, name }: { readonly kind: string; readonly name: string }): boolean {
  return kind === 'video' || (kind === 'other' && PICTURE.test(name));
}
