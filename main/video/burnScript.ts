import type { GridMask } from '../../preload/contract/findings.ts';
import type { Box, SizePx } from '../../preload/contract/geometry.ts';
import { gridFromRle } from '../../preload/contract/maskRle.ts';
import { midpointAfter, midpointBefore } from './clipCut.ts';
import { SCRIPT_TIME_STRETCH } from './clipWrite.ts';
import { outlinesFromGrid } from './maskOutline.ts';

/** What to draw on one frame. */
export interface FrameMarks {
  readonly ptsUs: number;
  readonly boxes: readonly MarkedBox[];
  /** Lines in the lower left corner, or none. */
  readonly lines: readonly string[];
}

export interface MarkedBox {
  readonly boxInSource: Box;
  /** The mask over the box, or null: its outline is drawn. */
  readonly mask: GridMask | null;
  readonly label: string;
  /** `#rrggbb`. */
  readonly colour: string;
}

/** Glyph height and line width as a share of the picture's height: 20 px and 2 px at 576 lines. */
const TEXT_HEIGHT_FRAC = 0.035;
const LINE_WIDTH_FRAC = 0.0035;

/**
 * A subtitle script (ASS v4+) that draws each frame's marks on that frame and no other: an event lasts from the
 * middle between its frame and the one before to the middle to the next, in time counted from the clip's first
 * frame and stretched {@link SCRIPT_TIME_STRETCH} times, because ASS knows no time below 10 ms.
 * Boxes and the outlines of masks are vector drawings, so they need no font; labels lie over them.
 * @param frameTimesUs PTS of every frame of the clip, ascending; @param size upright picture size, px, and the
 * width of its pixels over their height, so that text is not wide where they are.
 */
export function burnScript(
  marks: readonly FrameMarks[],
  frameTimesUs: ArrayLike<number>,
  size: SizePx & { readonly pixelAspect: number },
): string {
  const events: string[] = [];
  const originUs = frameTimesUs[0] ?? 0;
  for (const frame of marks) {
    const from = scriptTime(midpointBefore(frameTimesUs, frame.ptsUs) - originUs);
    const to = scriptTime(midpointAfter(frameTimesUs, frame.ptsUs) - originUs);
    const add = (layer: number, style: string, text: string): void => {
      events.push(`Dialogue: ${layer},${from},${to},${style},,0,0,0,,${text}`);
    };
    for (const box of frame.boxes) {
      const outline = box.mask === null ? '' : drawnMask(box, box.mask, size);
      if (outline !== '') add(0, 'Box', outline);
      add(0, 'Box', drawnBox(box, size));
      if (box.label !== '') add(1, 'Label', drawnLabel(box, size));
    }
    if (frame.lines.length > 0) add(2, 'Time', frame.lines.map(escapeScriptText).join('\\N'));
  }
  return [...scriptHeader(size), ...events, ''].join('\n');
}

function textHeightPx(size: SizePx): number {
  return Math.max(12, Math.round(size.heightPx * TEXT_HEIGHT_FRAC));
}

function lineWidthPx(size: SizePx): number {
  return Math.max(2, Math.round(size.heightPx * LINE_WIDTH_FRAC));
}

function scriptHeader(size: SizePx & { readonly pixelAspect: number }): string[] {
  const text = textHeightPx(size);
  const margin = Math.round(text / 2);
  // Name, Font, Size, four colours, 4 flags, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Align, margins, Encoding
  const textWidthPercent = Math.round(100 / size.pixelAspect);
  const style = (name: string, outline: number, alignment: number, widthPercent: number): string =>
    `Style: ${name},sans-serif,${text},&H00FFFFFF,&H00FFFFFF,&H00000000,&H00000000,0,0,0,0,${widthPercent},100,0,0,1,${outline},0,${alignment},${margin},${margin},${margin},1`;
  return [
    '[Script Info]',
    'ScriptType: v4.00+',
    `PlayResX: ${size.widthPx}`,
    `PlayResY: ${size.heightPx}`,
    'WrapStyle: 2',
    'ScaledBorderAndShadow: yes',
    'YCbCr Matrix: None',
    '',
    '[V4+ Styles]',
    'Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding',
    style('Box', 0, 7, 100),
    style('Label', 2, 1, textWidthPercent),
    style('Time', 2, 1, textWidthPercent),
    '',
    '[Events]',
    'Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text',
  ];
}

/** A frame of the line width around the box, drawn inwards: the outer edge is the box's own edge. */
function drawnBox(box: MarkedBox, size: SizePx): string {
  const { x0, y0, x1, y1 } = boxInPixels(box.boxInSource, size);
  const line = Math.min(lineWidthPx(size), Math.ceil((x1 - x0) / 2), Math.ceil((y1 - y0) / 2));
  // Outer rectangle clockwise, inner one the other way round: the fill (non-zero winding) leaves the middle open.
  const outer = `m ${x0} ${y0} l ${x1} ${y0} l ${x1} ${y1} l ${x0} ${y1}`;
  const [ix0, iy0, ix1, iy1] = [x0 + line, y0 + line, x1 - line, y1 - line];
  const inner =
    ix1 > ix0 && iy1 > iy0 ? ` m ${ix0} ${iy0} l ${ix0} ${iy1} l ${ix1} ${iy1} l ${ix1} ${iy0}` : '';
  return `{\\an7\\pos(0,0)\\bord0\\shad0\\1c${scriptColour(box.colour)}\\p1}${outer}${inner}{\\p0}`;
}

/** The mask's outline as a border without a fill; empty where the box is too small to show one. */
function drawnMask(box: MarkedBox, { rle, sizeCells }: GridMask, size: SizePx): string {
  const { x0, y0, x1, y1 } = box.boxInSource;
  const shapes = outlinesFromGrid(gridFromRle(rle, sizeCells, sizeCells), sizeCells).flatMap((outline) => {
    const points = outline.map(({ xFrac, yFrac }) => {
      const [x, y] = [x0 + xFrac * (x1 - x0), y0 + yFrac * (y1 - y0)];
      return `${pixelWithin(x, size.widthPx)} ${pixelWithin(y, size.heightPx)}`;
    });
    const [first, ...others] = points.filter((point, i) => point !== points[i - 1]);
    return first === undefined || others.length < 2 ? [] : [`m ${first} l ${others.join(' l ')}`];
  });
  if (shapes.length === 0) return '';
  const line = lineWidthPx(size) / 2;
  return `{\\an7\\pos(0,0)\\1a&HFF&\\bord${line}\\shad0\\3c${scriptColour(box.colour)}\\p1}${shapes.join(' ')}{\\p0}`;
}

/** The label stands on the box's upper edge, or inside it where there is no room above. */
function drawnLabel(box: MarkedBox, size: SizePx): string {
  const { x0, y0 } = boxInPixels(box.boxInSource, size);
  const hasRoom = y0 > textHeightPx(size);
  const place = hasRoom ? `\\an1\\pos(${x0},${y0})` : `\\an7\\pos(${x0 + lineWidthPx(size)},${y0})`;
  return `{${place}\\1c${scriptColour(box.colour)}}${escapeScriptText(box.label)}`;
}

function boxInPixels(box: Box, size: SizePx): Box {
  const { widthPx, heightPx } = size;
  return {
    x0: pixelWithin(box.x0, widthPx),
    y0: pixelWithin(box.y0, heightPx),
    x1: pixelWithin(box.x1, widthPx),
    y1: pixelWithin(box.y1, heightPx),
  };
}

function pixelWithin(value: number, lengthPx: number): number {
  return Math.round(Math.min(Math.max(value, 0), lengthPx));
}

/** `&HBBGGRR&` of `#rrggbb`. */
function scriptColour(colour: string): string {
  const match = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(colour);
  if (match === null) throw new RangeError(`not a colour: ${colour}`);
  return `&H${match[3]}${match[2]}${match[1]}&`.toUpperCase();
}

/**
 * Text that libass shows as it is: braces would open an override block, a backslash before N, n or h would be a
 * line break or a space (a word joiner between keeps it a backslash), a line break would end the event.
 */
export function escapeScriptText(text: string): string {
  return text
    .replace(/[\r\n]+/g, ' ')
    .replaceAll('\\', '\\\u2060')
    .replace(/[{}]/g, '\\$&');
}

/** `H:MM:SS.cc` of the stretched time, rounded to the step; before the first frame counts as 0. */
function scriptTime(clipTimeUs: number): string {
  const centiseconds = Math.max(0, Math.round((clipTimeUs * SCRIPT_TIME_STRETCH) / 10_000));
  const two = (value: number): string => String(value).padStart(2, '0');
  const totalSec = Math.floor(centiseconds / 100);
  const hours = Math.floor(totalSec / 3600);
  return `${hours}:${two(Math.floor(totalSec / 60) % 60)}:${two(totalSec % 60)}.${two(centiseconds % 100)}`;
}
