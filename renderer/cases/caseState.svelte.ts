import type { AppInfo, CaseSummary, RecentCase } from '../../preload/contract/cases.ts';
import type { Api } from '../api/connection.svelte.ts';

/** The open case, the ones opened before, and the program itself. */
export class CaseState {
  current = $state.raw<CaseSummary | null>(null);
  recent = $state.raw<readonly RecentCase[]>([]);
  info = $state.raw<AppInfo | null>(null);
  readonly #api: Api;

  constructor(api: Api) {
    this.#api = api;
  }

  async load(): Promise<void> {
    const [info, current, recent] = await Promise.all([
      this.#api.app.info(),
      this.#api.cases.current(),
      this.#api.cases.recent(),
    ]);
    this.info = info;
    this.current = current;
    this.recent = recent;
  }

  /** Opens another case in place of this one. @throws AppError `case.*` */
  async open(path: string): Promise<void> {
    this.current = await this.#api.cases.open({ path });
    this.recent = await this.#api.cases.recent();
  }

  /** Makes a case in a new folder and opens it. @throws AppError `file.exists`, `disk.full` */
  async create(path: string, name: string): Promise<void> {
    this.current = await this.#api.cases.create({ path, name });
    this.recent = await this.#api.cases.recent();
  }
}
