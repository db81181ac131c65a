import type { Change } from '../../preload/contract/cases.ts';
import { AppError } from '../../preload/contract/errors.ts';
import type {
  CoverageInterval,
  Footage,
  ImportEvent,
  Playback,
  ProxyEvent,
} from '../../preload/contract/footage.ts';
import type { FootageId } from '../../preload/contract/ids.ts';
import type { CameraClock } from '../../preload/contract/time.ts';
import type { Broadcast } from '../broadcast.ts';
import type { Store, StoredFootage } from '../store/store.ts';
import { importFootage } from './importFootage.ts';
import type { ImportOptions } from './importFootage.ts';
import { checkContent, isOriginalPresent } from './original.ts';
import type { Proxies } from './proxies.ts';

interface ByFootage {
  readonly footageId: FootageId;
}

/** What answers the contract's `footage` calls. Each throws `footage.notFound` for an id that is not in the case. */
export interface FootageHandlers {
  list(): Promise<Footage[]>;
  import(input: { readonly paths: readonly string[] }, signal?: AbortSignal): AsyncGenerator<ImportEvent>;
  updateClock(input: ByFootage & { readonly clock: CameraClock }): Promise<Footage>;
  updateCamera(input: ByFootage & { readonly camera: string }): Promise<Footage>;
  /** @throws AppError `file.changed` when the file is another one. */
  relocate(input: ByFootage & { readonly path: string }, signal?: AbortSignal): Promise<Footage>;
  coverage(input: ByFootage): Promise<CoverageInterval[]>;
  playback(input: ByFootage): Promise<Playback>;
  makeProxy(input: ByFootage, signal?: AbortSignal): AsyncGenerator<ProxyEvent>;
}

export interface FootageOptions extends ImportOptions {
  readonly store: Store;
  readonly proxies: Proxies;
  readonly changes: Broadcast<Change>;
  /** Aborts when the case is closed. */
  readonly closing: AbortSignal;
}

/** The contract's `footage` over one case. */
export function footageHandlers(options: FootageOptions): FootageHandlers {
  const { store, proxies, changes, closing } = options;
  const { read, write } = store;
  const untilClosed = (signal?: AbortSignal): AbortSignal =>
    signal === undefined ? closing : AbortSignal.any([signal, closing]);
  const find = ({ footageId }: ByFootage): Promise<StoredFootage> => findFootage(store, footageId);
  const afterChange = async ({ footageId }: ByFootage): Promise<Footage> => {
    changes.publish({ kind: 'footage', footageIds: [footageId] });
    return footageFrom(await findFootage(store, footageId));
  };
  return {
    async list() {
      return Promise.all((await read.queryFootage()).map(footageFrom));
    },
    import: ({ paths }, signal) => importFootage(paths, options, untilClosed(signal)),
    async updateClock({ footageId, clock }) {
      await find({ footageId });
      await write.updateFootageClock(footageId, clock);
      return afterChange({ footageId });
    },
    async updateCamera({ footageId, camera }) {
      await find({ footageId });
      await write.updateFootageCamera(footageId, camera);
      return afterChange({ footageId });
    },
    async relocate({ footageId, path }, signal) {
      await checkContent(await find({ footageId }), path, untilClosed(signal));
      const footageIds = await write.updateFootagePath(footageId, path);
      changes.publish({ kind: 'footage', footageIds });
      return footageFrom(await find({ footageId }));
    },
    async coverage({ footageId }) {
      await find({ footageId });
      return read.queryCoverage(footageId);
    },
    playback: async (input) => proxies.playback(await find(input)),
    async *makeProxy(input, signal) {
      yield* proxies.make(await find(input), untilClosed(signal));
    },
  };
}

/** @throws AppError `footage.notFound`. */
async function findFootage(store: Store, footageId: FootageId): Promise<StoredFootage> {
  const footage = await store.read.queryFootageById(footageId);
  if (footage === null)
    throw new AppError('footage.notFound', `There is no footage ${footageId} in this case.`);
  return footage;
}

async function footageFrom(stored: StoredFootage): Promise<Footage> {
  return { ...stored, isOriginalPresent: await isOriginalPresent(stored) };
}
