/** Svelte attachment: what appears below the fold of a dialog must not go unseen. */
export function bringIntoSight(element: HTMLElement): void {
  element.scrollIntoView({ block: 'nearest' });
}
