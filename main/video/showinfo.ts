import { pixelAspectFrom } from './pixelAspect.ts';
import { parseTimeBase, usFromTicks } from './timeBase.ts';
import type { TimeBase } from './timeBase.ts';

/** One frame as a `showinfo` filter saw it. */
export interface ShownFrame {
  readonly ptsUs: number;
  readonly widthPx: number;
  readonly heightPx: number;
  /** Width of a pixel over its height. */
  readonly pixelAspect: number;
  readonly isKeyFrame: boolean;
  /** Predicted from two pictures (type B), for which encoders write pictures in another order than they are shown. */
  readonly isBidirectional: boolean;
}

/** Name of the showinfo that sees every frame the decoder gives, and of the one that sees the selected ones. */
export const SHOW_ALL = 'showinfo@all';
export const SHOW_SELECTED = 'showinfo@sel';

const LINE = /^\[showinfo@(all|sel) @ [^\]]*\] \[info\] (.*)$/;
const CONFIG = /^config in time_base: (\d+\/\d+)/;
/** ffmpeg's remark on an odd rotation has no line break; what follows it is glued on, without the filter's name. */
const GLUED_CONFIG = /\)config in time_base: (\d+\/\d+)/;
const FRAME = /^n:\s*\d+ pts:\s*(-?\d+) .*? sar:(\d+\/\d+) s:(\d+)x(\d+) .*?iskey:(\d) type:(\S)/;

/**
 * Reads the lines of the two showinfo filters (ffmpeg 4.4 to 8; `checksum=0` keeps them cheap). The time base is
 * in their `config` line, which comes again when the frame size changes and the graph is built anew. Without
 * a name it goes for both: no filter between them changes it.
 */
export function createShowinfoReader(on: {
  readonly all: (frame: ShownFrame) => void;
  readonly selected: (frame: ShownFrame) => void;
}): (line: string) => void {
  const timeBases = new Map<string, TimeBase>();
  return (line) => {
    const [, name = '', text = ''] = LINE.exec(line) ?? [];
    const config = (name === '' ? GLUED_CONFIG.exec(line) : CONFIG.exec(text))?.[1];
    const timeBase = parseTimeBase(config ?? '');
    if (timeBase !== null)
      for (const one of name === '' ? ['all', 'sel'] : [name]) timeBases.set(one, timeBase);
    const frame = FRAME.exec(text);
    const base = timeBases.get(name);
    if (frame === null || base === undefined) return;
    const shown = {
      ptsUs: usFromTicks(Number(frame[1]), base),
      pixelAspect: pixelAspectFrom(frame[2] ?? ''),
      widthPx: Number(frame[3]),
      heightPx: Number(frame[4]),
      isKeyFrame: frame[5] === '1',
      isBidirectional: frame[6] === 'B',
    };
    if (name === 'all') on.all(shown);
    else on.selected(shown);
  };
}

/**
 * `setpts` that gives every frame a time and keeps times ascending, and leaves sound ones alone. A frame without a
 * time follows the one before by a nominal frame (raw streams, some AVI). One that is late by up to a second is put
 * just behind (a duplicate time). A larger jump back, where recordings were joined or a clock was set, shifts
 * everything from there on. Register 0 holds that shift, register 1 the time before repair. The state starts anew
 * where decoding starts, so a file that needs this is always decoded from its beginning.
 */
export function ascendingTimesFilter(): string {
  const frame = 'max(1,round(if(gt(FR,0),1/(FR*TB),0.04/TB)))';
  const nudge = 'max(1,ceil(0.000001/TB))';
  const wanted = `st(1,if(isnan(PTS),if(isnan(PREV_OUTPTS),0,PREV_OUTPTS+${frame}),PTS+ld(0)))`;
  const jumpedBack = `gt(PREV_OUTPTS-ld(1),1/TB)`;
  const shifted = `st(0,ld(0)+PREV_OUTPTS+${frame}-ld(1))*0+PREV_OUTPTS+${frame}`;
  const repaired = `if(${jumpedBack},${shifted},PREV_OUTPTS+${nudge})`;
  return `setpts='${wanted};if(lte(ld(1),PREV_OUTPTS),${repaired},ld(1))'`;
}
