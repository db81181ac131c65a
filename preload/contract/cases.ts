import { z } from 'zod';
import { FootageId, RunId } from './ids.ts';

export const CaseSummary = z.object({
  /** The case folder. */
  path: z.string(),
  name: z.string(),
  createdWallMs: z.number().int(),
  footage: z.number().int(),
});
export type CaseSummary = z.infer<typeof CaseSummary>;

export const RecentCase = z.object({ path: z.string(), name: z.string(), openedWallMs: z.number().int() });
export type RecentCase = z.infer<typeof RecentCase>;

/** Something in the case changed; the screen asks again for what it shows of it. */
export const Change = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('case') }),
  z.object({ kind: z.literal('footage'), footageIds: z.array(FootageId) }),
  z.object({ kind: z.literal('run'), runId: RunId, footageId: FootageId }),
  z.object({ kind: z.literal('results'), runId: RunId, footageId: FootageId }),
  z.object({ kind: z.literal('verdicts') }),
  z.object({ kind: z.literal('exhibits') }),
]);
export type Change = z.infer<typeof Change>;

export const FolderEntry = z.object({
  name: z.string(),
  path: z.string(),
  kind: z.enum(['folder', 'video', 'other']),
  bytes: z.number().nullable(),
});
export type FolderEntry = z.infer<typeof FolderEntry>;

export const FolderListing = z.object({
  path: z.string(),
  /** Null at the root of a drive. */
  parentPath: z.string().nullable(),
  entries: z.array(FolderEntry),
});
export type FolderListing = z.infer<typeof FolderListing>;

export const AppInfo = z.object({
  version: z.string(),
  host: z.enum(['electron', 'loopback']),
  /** Why this is not the desktop window, for the loopback host. */
  hostReason: z.string().nullable(),
  ffmpegVersion: z.string().nullable(),
  ffmpegOrigin: z.string().nullable(),
  /** True where `files.pick` opens the system's own dialog. */
  hasNativeDialogs: z.boolean(),
});
export type AppInfo = z.infer<typeof AppInfo>;
