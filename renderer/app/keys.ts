import { tinykeys } from 'tinykeys';
import { mediaTimeText } from '../../preload/contract/time.ts';
import type { Workstation } from './workstation.svelte.ts';

/** One line of the shortcuts sheet, and what the keys do. */
export interface Shortcut {
  readonly area: 'Findings' | 'Player' | 'Timeline' | 'Everywhere';
  /** Bindings of tinykeys; all do the same. */
  readonly keys: readonly string[];
  /** As printed on the keys. */
  readonly label: string;
  readonly words: string;
  readonly run: (workstation: Workstation) => void;
}

const ZOOM_STEP = 0.6;

const zoomAtPlayhead = (workstation: Workstation, factor: number): void => {
  const { timeline, player } = workstation;
  const { range } = timeline;
  if (range === null) return;
  const ms =
    player.footage === null || player.ptsUs === null
      ? null
      : timeline.msFromPts(player.footage, player.ptsUs);
  const isOnScreen = ms !== null && ms >= range.fromMs && ms <= range.toMs;
  timeline.zoom(factor, isOnScreen ? ms : (range.fromMs + range.toMs) / 2);
};

/** Every shortcut of the main screen. */
// prettier-ignore
export const SHORTCUTS: readonly Shortcut[] = [
  { area: 'Findings', keys: ['ArrowDown'], label: '↓', words: 'Next finding', run: (w) => void w.selectNext(1) },
  { area: 'Findings', keys: ['ArrowUp'], label: '↑', words: 'Previous finding', run: (w) => void w.selectNext(-1) },
  { area: 'Findings', keys: ['1'], label: '1', words: 'Verdict: relevant', run: (w) => void w.judge('relevant') },
  { area: 'Findings', keys: ['2'], label: '2', words: 'Verdict: not relevant', run: (w) => void w.judge('notRelevant') },
  { area: 'Findings', keys: ['3'], label: '3', words: 'Verdict: wrong', run: (w) => void w.judge('wrong') },
  { area: 'Findings', keys: ['n'], label: 'N', words: 'Write a note', run: () => document.getElementById('finding-note')?.focus() },
  { area: 'Findings', keys: ['/'], label: '/', words: 'Search: classes and score', run: () => document.getElementById('findings-score')?.focus() },
  { area: 'Player', keys: ['Space'], label: 'Space', words: 'Play or pause', run: (w) => w.player.video.togglePlay() },
  { area: 'Player', keys: ['ArrowLeft', ','], label: '← ,', words: 'One frame back', run: (w) => w.player.video.step(-1) },
  { area: 'Player', keys: ['ArrowRight', '.'], label: '→ .', words: 'One frame on', run: (w) => w.player.video.step(1) },
  { area: 'Player', keys: ['Shift+ArrowLeft'], label: 'Shift ←', words: 'Ten frames back', run: (w) => w.player.video.step(-10) },
  { area: 'Player', keys: ['Shift+ArrowRight'], label: 'Shift →', words: 'Ten frames on', run: (w) => w.player.video.step(10) },
  { area: 'Player', keys: ['j'], label: 'J', words: 'Play backwards; again: faster', run: (w) => w.player.video.reverse() },
  { area: 'Player', keys: ['k'], label: 'K', words: 'Pause, and back to normal speed', run: (w) => w.player.video.halt() },
  { area: 'Player', keys: ['l'], label: 'L', words: 'Play; again: faster', run: (w) => w.player.video.faster() },
  { area: 'Timeline', keys: ['+', '=', 'Shift++'], label: '+', words: 'Zoom in', run: (w) => zoomAtPlayhead(w, ZOOM_STEP) },
  { area: 'Timeline', keys: ['-'], label: '−', words: 'Zoom out', run: (w) => zoomAtPlayhead(w, 1 / ZOOM_STEP) },
  { area: 'Timeline', keys: ['f'], label: 'F', words: 'Show everything', run: (w) => w.timeline.fit() },
  { area: 'Timeline', keys: ['['], label: '[', words: 'Previous stretch of footage', run: (w) => w.showStretchBeside(-1) },
  { area: 'Timeline', keys: [']'], label: ']', words: 'Next stretch of footage', run: (w) => w.showStretchBeside(1) },
  { area: 'Timeline', keys: ['Home'], label: 'Home', words: 'First frame of the footage', run: (w) => w.player.video.seekToFrame(0) },
  { area: 'Timeline', keys: ['End'], label: 'End', words: 'Last frame of the footage', run: (w) => w.player.video.seekToFrame(Infinity) },
  { area: 'Timeline', keys: ['i'], label: 'I', words: 'Mark in', run: (w) => w.player.markIn() },
  { area: 'Timeline', keys: ['o'], label: 'O', words: 'Mark out', run: (w) => w.player.markOut() },
  { area: 'Timeline', keys: ['x'], label: 'X', words: 'Clear the marks', run: (w) => w.player.clearMarks() },
  { area: 'Everywhere', keys: ['e'], label: 'E', words: 'Export a clip', run: (w) => w.startExport() },
  { area: 'Everywhere', keys: ['c'], label: 'C', words: 'Copy the time of the frame', run: (w) => copyTime(w) },
  { area: 'Everywhere', keys: ['Shift+?', '?'], label: '?', words: 'This sheet', run: (w) => w.dialogs.show({ kind: 'shortcuts' }) },
];

function copyTime({ player, notices }: Workstation): void {
  if (player.ptsUs === null) return;
  const text = mediaTimeText(player.ptsUs);
  void navigator.clipboard.writeText(text).then(() => notices.showInfo(`Copied ${text}`), notices.showError);
}

/** Controls that use a key for themselves keep it; everything else is a shortcut. */
function isForControl(event: KeyboardEvent): boolean {
  const { target } = event;
  if (!(target instanceof HTMLElement) || document.querySelector('dialog[open]') !== null) return true;
  if (target.matches('textarea, select, input:not([type=range], [type=checkbox])')) return true;
  // Up and down still go from finding to finding after the score was dragged.
  if (target.matches('input[type=range]'))
    return ['ArrowLeft', 'ArrowRight', 'Home', 'End'].includes(event.key);
  if (target.matches('button, a, input, summary, [role=option]'))
    return event.key === ' ' || event.key === 'Enter';
  return false;
}

/** Binds the shortcuts to the window; returns what unbinds them. */
export function bindKeys(workstation: Workstation): () => void {
  const bindings = SHORTCUTS.flatMap(({ keys, run }) =>
    keys.map((key): [string, (event: KeyboardEvent) => void] => [
      key,
      (event) => {
        event.preventDefault();
        run(workstation);
      },
    ]),
  );
  return tinykeys(window, Object.fromEntries(bindings), { ignore: isForControl });
}
