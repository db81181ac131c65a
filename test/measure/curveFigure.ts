import type { OperatingPoint } from './cocoEvaluation.ts';

/** A precision-recall curve and what the legend calls it. */
export interface Curve {
  readonly title: string;
  readonly points: readonly OperatingPoint[];
}

/** Okabe and Ito's colours, which the colour-blind can tell apart. */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#000000'] as const;
const PLOT = { left: 52, top: 16, sidePx: 400 } as const;
const LEGEND_LINE_PX = 18;
const TICKS: readonly number[] = [0, 0.2, 0.4, 0.6, 0.8, 1];
/** Steps of recall at which a curve is drawn; finer than a pixel would show. */
const STEPS = 200;

/** Precision over recall as an SVG document: the envelope (best precision at this recall or beyond) of each curve. */
export function curveFigure(title: string, curves: readonly Curve[]): string {
  const heightPx = PLOT.top + PLOT.sidePx + 44 + curves.length * LEGEND_LINE_PX;
  const widthPx = PLOT.left + PLOT.sidePx + 20;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${widthPx} ${heightPx}" font-family="sans-serif" font-size="12">`,
    `<title>${escapeXml(title)}</title>`,
    `<rect width="${widthPx}" height="${heightPx}" fill="#fff"/>`,
    ...TICKS.flatMap(gridLines),
    label(PLOT.left + PLOT.sidePx / 2, PLOT.top + PLOT.sidePx + 32, 'middle', 'recall'),
    `<text transform="translate(14 ${PLOT.top + PLOT.sidePx / 2}) rotate(-90)" text-anchor="middle">precision</text>`,
    ...curves.flatMap(({ points, title: name }, index) => {
      const colour = COLOURS[index % COLOURS.length]!;
      const y = PLOT.top + PLOT.sidePx + 52 + index * LEGEND_LINE_PX;
      return [
        `<polyline fill="none" stroke="${colour}" stroke-width="1.5" points="${envelope(points).join(' ')}"/>`,
        `<path stroke="${colour}" stroke-width="3" d="M${PLOT.left} ${y - 4}h24"/>`,
        label(PLOT.left + 32, y, 'start', name),
      ];
    }),
    '</svg>',
    '',
  ].join('\n');
}

function gridLines(share: number): string[] {
  const [x, y] = [xOf(share), yOf(share)];
  const [right, bottom] = [PLOT.left + PLOT.sidePx, PLOT.top + PLOT.sidePx];
  return [
    `<path stroke="#ddd" d="M${x} ${PLOT.top}V${bottom}M${PLOT.left} ${y}H${right}"/>`,
    label(Number(x), bottom + 16, 'middle', share.toFixed(1)),
    label(PLOT.left - 6, Number(y) + 4, 'end', share.toFixed(1)),
  ];
}

/** Corners of the envelope in figure pixels, as `x,y`, equal neighbours left out. */
function envelope(points: readonly OperatingPoint[]): string[] {
  const precisions = Array.from({ length: STEPS + 1 }, (_, step) =>
    points
      .filter(({ recall }) => recall >= step / STEPS)
      .reduce((most, { precision }) => Math.max(most, precision), 0),
  );
  return precisions.flatMap((precision, step) => {
    const isCorner = precision !== precisions[step - 1] || precision !== precisions[step + 1];
    return precision > 0 && isCorner ? [`${xOf(step / STEPS)},${yOf(precision)}`] : [];
  });
}

const xOf = (recall: number): string => (PLOT.left + recall * PLOT.sidePx).toFixed(1);
const yOf = (precision: number): string => (PLOT.top + (1 - precision) * PLOT.sidePx).toFixed(1);

function label(x: number, y: number, anchor: string, text: string): string {
  return `<text x="${x}" y="${y}" text-anchor="${anchor}">${escapeXml(text)}</text>`;
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
