import type { ModelQuestion, ProposalTrial, QuestionId } from '../../preload/contract/modelProposals.ts';
import { ranOnText } from '../runs/runOptionText.ts';

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

/** `Ran in 120 ms on the CPU; loaded in 300 ms, 250 MB of memory.` */
export function ranText({ runMs, loadMs, provider, peakRssBytes }: ProposalTrial): string {
  const memory = `${Math.round(peakRssBytes / 1e6)} MB of memory`;
  return `Ran in ${Math.round(runMs)} ms on ${ranOnText(provider)}; loaded in ${Math.round(loadMs)} ms, ${memory}.`;
}

/** Questions by where they are asked. */
interface SortedQuestions {
  /** What the person should look at. */
  readonly open: readonly ModelQuestion[];
  /** What the file has settled. */
  readonly settled: readonly ModelQuestion[];
  readonly naming: readonly ModelQuestion[];
  /** Asked under the boxes, which it hides and shows. */
  readonly score: readonly ModelQuestion[];
}

/** Puts every question in its place. */
export function sortQuestions(questions: readonly ModelQuestion[]): SortedQuestions {
  const telling = questions.filter(({ id }) => isTelling(id));
  return {
    open: telling.filter(({ isCertain }) => !isCertain),
    settled: telling.filter(({ isCertain }) => isCertain),
    naming: questions.filter(({ id }) => id === 'name' || id === 'licence'),
    score: questions.filter(({ id }) => id === 'minScore'),
  };
}

/** False for answers that change what is shown or kept, and not what the model finds. */
export function isTelling(id: QuestionId): boolean {
  return id !== 'name' && id !== 'licence' && id !== 'minScore';
}

/** Endings of still pictures that a model can be tried on. */
const PICTURE = /\.(png|jpe?g|webp|bmp)$/i;

/** Whether a file can have a frame in it, going by its name: what it is shows when it is opened. */
export function mayHoldFrame({ kind, name }: { readonly kind: string; readonly name: string }): boolean {
  return kind === 'video' || (kind === 'other' && PICTURE.test(name));
}
