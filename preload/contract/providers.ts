import { z } from 'zod';

/** Execution providers of ONNX Runtime that Sightline chooses among: what calculates a model. */
export const ProviderId = z.enum(['cpu', 'cuda', 'dml', 'coreml', 'webgpu']);
export type ProviderId = z.infer<typeof ProviderId>;

/**
 * What a person asks for: one of them, or the first that finds on this machine what the CPU finds, and faster. Where
 * that cannot be had the CPU runs, and the run says so.
 */
export const WantedProvider = z.enum(['automatic', ...ProviderId.options]);
export type WantedProvider = z.infer<typeof WantedProvider>;

/** The CPU gives the same to the bit on every run, which no other provider promises. */
export const DEFAULT_PROVIDER: WantedProvider = 'cpu';

/** What is used where a run is not asked for otherwise, and what can be asked for here. */
export const ProviderSettings = z.object({
  wanted: WantedProvider,
  /** Those of this build of ONNX Runtime, the CPU among them; whether one works here shows when it is used. */
  known: z.array(ProviderId),
});
export type ProviderSettings = z.infer<typeof ProviderSettings>;
