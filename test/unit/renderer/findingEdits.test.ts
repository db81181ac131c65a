import { expect, it } from 'vitest';
import { FindingId, FootageId, RunId, TrackId } from '../../../preload/contract/ids.ts';
import type { Finding } from '../../../preload/contract/findings.ts';
import { FindingEdits } from '../../../renderer/findings/findingEdits.ts';
import type { Judgement } from '../../../renderer/findings/findingEdits.ts';

const FINDING: Finding = {
  findingId: FindingId.parse(1),
  footageId: FootageId.parse(1),
  runId: RunId.parse(1),
  trackId: TrackId.parse(1),
  camera: 'Gate',
  className: 'person',
  score: 0.9,
  startPtsUs: 0,
  endPtsUs: 1,
  bestPtsUs: 0,
  bestBoxInSource: { x0: 0, y0: 0, x1: 1, y1: 1 },
  detections: 1,
  startWallMs: null,
  verdict: null,
  note: '',
  isVerdictCarried: false,
};

/** A case whose answers come when the test says so. */
function slowCase(): {
  edits: FindingEdits;
  asked: Judgement[];
  answerNext: (error?: Error) => Promise<void>;
} {
  const asked: Judgement[] = [];
  const waiting: ((error?: Error) => void)[] = [];
  const edits = new FindingEdits(({ verdict, note }) => {
    asked.push({ verdict, note });
    const { promise, resolve, reject } = Promise.withResolvers<Finding>();
    waiting.push((error) => (error === undefined ? resolve({ ...FINDING, verdict, note }) : reject(error)));
    return promise;
  });
  const answerNext = async (error?: Error): Promise<void> => {
    await expect.poll(() => waiting.length).toBeGreaterThan(0);
    waiting.shift()?.(error);
  };
  return { edits, asked, answerNext };
}

it('saves a note over the verdict whose answer it did not wait for', async () => {
  const { edits, asked, answerNext } = slowCase();
  const verdict = edits.edit(FINDING, () => ({ verdict: 'relevant' }));
  const note = edits.edit(FINDING, () => ({ note: 'Red coat' }));
  expect(edits.isUnderWay(FINDING.findingId)).toBe(true);
  await answerNext();
  await answerNext();
  await verdict;
  expect(await note).toMatchObject({ verdict: 'relevant', note: 'Red coat' });
  expect(asked).toEqual([
    { verdict: 'relevant', note: '' },
    { verdict: 'relevant', note: 'Red coat' },
  ]);
  expect(edits.isUnderWay(FINDING.findingId)).toBe(false);
});

it('takes a verdict back that is given again before the first answer', async () => {
  const { edits, asked, answerNext } = slowCase();
  const toggle = ({ verdict }: Judgement): Partial<Judgement> => ({
    verdict: verdict === 'wrong' ? null : 'wrong',
  });
  const both = [edits.edit(FINDING, toggle), edits.edit(FINDING, toggle)];
  await answerNext();
  await answerNext();
  await Promise.all(both);
  expect(asked.map(({ verdict }) => verdict)).toEqual(['wrong', null]);
});

it('goes on after an edit that failed, from what was stored before it', async () => {
  const { edits, asked, answerNext } = slowCase();
  const first = edits.edit(FINDING, () => ({ note: 'kept' }));
  const failing = edits.edit(FINDING, () => ({ verdict: 'wrong' }));
  const failure = expect(failing).rejects.toThrow('the disk is full');
  const last = edits.edit(FINDING, () => ({ verdict: 'relevant' }));
  await answerNext();
  await answerNext(new Error('the disk is full'));
  await answerNext();
  await first;
  await failure;
  expect(await last).toMatchObject({ verdict: 'relevant', note: 'kept' });
  expect(asked.at(-1)).toEqual({ verdict: 'relevant', note: 'kept' });
});
