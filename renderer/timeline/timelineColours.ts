import { tokenColour } from '../app/theme.svelte.ts';
import type { TimelineColours } from './drawTimeline.ts';

/** The timeline's colours in the theme in use, read from the design tokens. */
export function timelineColours(element: Element): TimelineColours {
  const colour = (token: string): string => tokenColour(element, token);
  const alert = colour('--alert');
  return {
    background: colour('--timeline-ground'),
    lane: colour('--timeline-lane'),
    span: colour('--timeline-span'),
    grid: colour('--timeline-grid'),
    playhead: colour('--playhead'),
    selection: colour('--playhead'),
    mark: colour('--mark'),
    alert,
    group: {
      person: colour('--group-person'),
      vehicle: colour('--group-vehicle'),
      bag: colour('--group-bag'),
      animal: colour('--group-animal'),
      other: colour('--group-other'),
    },
    coverage: {
      analysed: colour('--coverage-analysed'),
      skipped: colour('--coverage-skipped'),
      pending: colour('--coverage-pending'),
      damaged: alert,
      undecodable: alert,
      missing: alert,
    },
  };
}
