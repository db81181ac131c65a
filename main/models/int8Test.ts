import type { ModelTest } from '../../preload/contract/models.ts';
import { testModel, type TestedModel, type TestPorts } from './modelTests.ts';

/** Pairs of trials: what else the machine does in the meantime must not decide. */
const PAIRS = 3;

/**
 * Tests a version in int8 in turn with the model it was made from, and adds how their times compare: integer kernels
 * are slower than float ones on processors without the instructions for them, and nothing else than trying tells.
 * @returns As `testModel`; without `timeRatio` when the other model does not run.
 * @throws the signal's reason when aborted, nothing else.
 */
export async function testInt8Model(
  { model, floatModel }: { readonly model: TestedModel; readonly floatModel: TestedModel },
  ports: TestPorts,
  signal: AbortSignal,
): Promise<ModelTest> {
  const ratios: number[] = [];
  for (let pair = 1; ; pair++) {
    const floatTest = await testModel(floatModel, ports, signal);
    const test = await testModel(model, ports, signal);
    if (test.outcome === 'failed' || floatTest.outcome === 'failed') return test;
    ratios.push(test.runMs / floatTest.runMs);
    if (pair === PAIRS) return { ...test, timeRatio: middleOf(ratios) };
  }
}

function middleOf(ratios: readonly number[]): number {
  return ratios.toSorted((a, b) => a - b)[ratios.length >> 1] ?? 1;
}

/** Closer to 1 than this, the next test may say the opposite. */
const MAX_FASTER_RATIO = 0.95;

/** Whether the last test found a version in int8 to be worth having on this machine. */
export function isFasterHere(test: ModelTest | null): boolean {
  return test?.outcome === 'passed' && test.timeRatio !== undefined && test.timeRatio <= MAX_FASTER_RATIO;
}
