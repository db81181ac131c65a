import { isAbort } from '../../preload/contract/errors.ts';
import { ConnectionLostError } from '../api/connection.svelte.ts';
import { errorText } from '../api/errorWords.ts';
import type { ErrorText } from '../api/errorWords.ts';

/** A message in the corner of the window. */
export interface Notice extends ErrorText {
  readonly noticeId: number;
  readonly kind: 'error' | 'info';
}

const INFO_STAYS_MS = 6_000;

/** What went wrong or was done, until the person dismisses it. */
export class Notices {
  list = $state.raw<readonly Notice[]>([]);
  #nextId = 1;

  /** Says what was thrown. Cancellation and a lost connection, which has its banner, are left out. */
  readonly showError = (thrown: unknown): void => {
    if (isAbort(thrown) || thrown instanceof ConnectionLostError) return;
    const text = errorText(thrown);
    if (this.list.some((notice) => notice.title === text.title && notice.detail === text.detail)) return;
    this.#add({ ...text, kind: 'error' });
  };

  /** Says something that needs no answer; it leaves by itself. */
  showInfo(title: string): void {
    const noticeId = this.#add({ title, detail: '', advice: null, kind: 'info' });
    setTimeout(() => this.dismiss(noticeId), INFO_STAYS_MS);
  }

  dismiss(noticeId: number): void {
    this.list = this.list.filter((notice) => notice.noticeId !== noticeId);
  }

  #add(notice: Omit<Notice, 'noticeId'>): number {
    const noticeId = this.#nextId++;
    this.list = [...this.list, { ...notice, noticeId }];
    return noticeId;
  }
}
