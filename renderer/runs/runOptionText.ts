import type { WantedProvider } from '../../preload/contract/providers.ts';
import type { Run } from '../../preload/contract/runs.ts';

const PROVIDER_NAMES: Readonly<Record<WantedProvider, string>> = {
  automatic: 'Automatic',
  cpu: 'CPU',
  cuda: 'NVIDIA graphics card (CUDA)',
  dml: 'Graphics card (DirectML)',
  coreml: 'Apple (Core ML)',
  webgpu: 'Graphics card (WebGPU)',
};

/** What an execution provider is called on screen. */
export function providerName(provider: WantedProvider): string {
  return PROVIDER_NAMES[provider];
}

/** Numbers of proposals on offer, from thorough to fast; `main/detect/proposalLimit.ts` says what fewer cost. */
const PROPOSAL_STEPS = [
  [1000, 'thorough'],
  [300, 'balanced'],
  [100, 'fast'],
] as const;

/** What can be chosen where a model was exported with `exported` proposals; a value of null leaves it at those. */
export function proposalChoices(
  exported: number | null,
): ReadonlyArray<{ readonly value: number | null; readonly words: string }> {
  const asExported =
    exported === null ? 'As the model was made' : `As the model was made: ${exported.toLocaleString('en')}`;
  const fewer = PROPOSAL_STEPS.filter(([count]) => exported !== null && count < exported);
  return [
    { value: null, words: asExported },
    ...fewer.map(([value, words]) => ({ value, words: `${value.toLocaleString('en')}, ${words}` })),
  ];
}

/** How a run's model ran: `on the CPU, at most 100 proposals`; null where there is nothing to say. */
export function ranText({ provider, providerNotice: notice, parameters }: Run): string | null {
  const parts = [
    // The notice says it, and why.
    provider === null || notice !== null ? null : `on ${ranOnText(provider)}`,
    parameters.maxProposals === null ? null : `at most ${parameters.maxProposals} proposals`,
  ].filter((part) => part !== null);
  return parts.length === 0 ? null : parts.join(', ');
}

/** What a run that is not calculated as asked says of it; null where it is. */
export function providerNotice({ provider, providerNotice: notice }: Run): string | null {
  return provider === null || notice === null ? null : `On ${ranOnText(provider)}: ${notice}.`;
}

/** What calculated: `the CPU`, or the id that ONNX Runtime gives an accelerator. */
export function ranOnText(provider: string): string {
  return provider === 'cpu' ? 'the CPU' : provider;
}
