import type { SizePx } from '../../preload/contract/geometry.ts';
import type { InputPlan, ModelFrame } from './detection.ts';

type Colour = readonly [red: number, green: number, blue: number];

/** What things are put together from. Lengths are 1/16 of the thing's size, from where it stands; y is down. */
interface Part {
  readonly form: 'rectangle' | 'ellipse';
  readonly x0: number;
  readonly y0: number;
  readonly x1: number;
  readonly y1: number;
  readonly colour: Colour;
}

/** Things of one size that stand beside each other; places are px of {@link SOURCE}. */
interface Row {
  readonly parts: (colour: Colour) => readonly Part[];
  /** A person's height, a car's length. */
  readonly sizePx: number;
  readonly groundYPx: number;
  readonly xsPx: readonly number[];
}

const SOURCE: SizePx = { widthPx: 640, heightPx: 480 };
const HORIZON_YPX = 150;
const SKY: Colour = [150, 172, 200];
const GROUND: Colour = [98, 98, 102];
const PAINTS: readonly Colour[] = [
  [150, 40, 40],
  [40, 70, 140],
  [60, 110, 60],
  [190, 170, 60],
  [225, 225, 225],
  [70, 60, 60],
];
/** From far to near: four sizes of people and three of cars, so that every scale of a pyramid has something to find. */
const ROWS: readonly Row[] = [
  { parts: person, sizePx: 40, groundYPx: 175, xsPx: [20, 60, 110, 150, 200, 430, 470, 520, 570, 620] },
  { parts: car, sizePx: 90, groundYPx: 190, xsPx: [270, 370] },
  { parts: person, sizePx: 80, groundYPx: 250, xsPx: [40, 110, 170, 440, 500, 560, 610] },
  { parts: car, sizePx: 150, groundYPx: 270, xsPx: [310] },
  { parts: person, sizePx: 150, groundYPx: 390, xsPx: [60, 150, 400, 480, 590] },
  { parts: car, sizePx: 240, groundYPx: 460, xsPx: [270] },
  { parts: person, sizePx: 220, groundYPx: 474, xsPx: [80, 520] },
];

/**
 * A made frame to try a model on, the same every time: a drawn street with some noise over it. A COCO detector finds a
 * few dozen things there, about as many as on a street's footage, so that two ways to run it can be held against each
 * other, and their times too (what masks cost depends on how many there are).
 */
export function testFrame(planInput: (source: SizePx) => InputPlan): ModelFrame {
  const { widthPx, heightPx } = planInput(SOURCE);
  const frame = { widthPx, heightPx, data: new Uint8Array(3 * widthPx * heightPx) };
  const { widthPx: right, heightPx: bottom } = SOURCE;
  paint(frame, { form: 'rectangle', x0: 0, y0: 0, x1: right, y1: HORIZON_YPX, colour: SKY });
  paint(frame, { form: 'rectangle', x0: 0, y0: HORIZON_YPX, x1: right, y1: bottom, colour: GROUND });
  for (const { parts, sizePx, groundYPx, xsPx } of ROWS) {
    const unitPx = sizePx / 16;
    for (const [index, xPx] of xsPx.entries()) {
      for (const { form, x0, y0, x1, y1, colour } of parts(PAINTS[index % PAINTS.length]!)) {
        const across = { x0: xPx + x0 * unitPx, x1: xPx + x1 * unitPx };
        paint(frame, { form, ...across, y0: groundYPx + y0 * unitPx, y1: groundYPx + y1 * unitPx, colour });
      }
    }
  }
  addNoise(frame.data);
  return { ...frame, sourceSize: SOURCE };
}

function person(coat: Colour): Part[] {
  const trousers: Colour = [40, 44, 60];
  const hair: Colour = [60, 40, 30];
  const skin: Colour = [206, 164, 138];
  return [
    { form: 'rectangle', x0: -2, y0: -8, x1: -0.5, y1: 0, colour: trousers },
    { form: 'rectangle', x0: 0.5, y0: -8, x1: 2, y1: 0, colour: trousers },
    { form: 'rectangle', x0: -3.6, y0: -12.5, x1: -2.6, y1: -7, colour: coat },
    { form: 'rectangle', x0: 2.6, y0: -12.5, x1: 3.6, y1: -7, colour: coat },
    { form: 'ellipse', x0: -3, y0: -14, x1: 3, y1: -6, colour: coat },
    { form: 'ellipse', x0: -1.3, y0: -16.2, x1: 1.3, y1: -13, colour: hair },
    { form: 'ellipse', x0: -1.2, y0: -15.6, x1: 1.2, y1: -13, colour: skin },
  ];
}

function car(paintwork: Colour): Part[] {
  const glass: Colour = [120, 150, 170];
  const tyre: Colour = [20, 20, 20];
  const hub: Colour = [150, 150, 150];
  return [
    { form: 'ellipse', x0: -6, y0: -7, x1: 6, y1: -1, colour: paintwork },
    { form: 'ellipse', x0: -5, y0: -6.4, x1: 5, y1: -2, colour: glass },
    { form: 'rectangle', x0: -0.3, y0: -6.5, x1: 0.3, y1: -3, colour: paintwork },
    { form: 'rectangle', x0: -8, y0: -4, x1: 8, y1: -1, colour: paintwork },
    { form: 'ellipse', x0: -5.5, y0: -2.5, x1: -2.5, y1: 0.5, colour: tyre },
    { form: 'ellipse', x0: 2.5, y0: -2.5, x1: 5.5, y1: 0.5, colour: tyre },
    { form: 'ellipse', x0: -4.5, y0: -1.5, x1: -3.5, y1: -0.5, colour: hub },
    { form: 'ellipse', x0: 3.5, y0: -1.5, x1: 4.5, y1: -0.5, colour: hub },
  ];
}

/** Fills the pixels whose centre lies in a form of px of {@link SOURCE}; what is outside the frame is left out. */
function paint({ widthPx, heightPx, data }: Omit<ModelFrame, 'sourceSize'>, part: Part): void {
  const { form } = part;
  const [red, green, blue] = part.colour;
  const xScale = widthPx / SOURCE.widthPx;
  const yScale = heightPx / SOURCE.heightPx;
  const [x0, x1] = [part.x0 * xScale, part.x1 * xScale];
  const [y0, y1] = [part.y0 * yScale, part.y1 * yScale];
  const lastX = Math.min(widthPx, Math.round(x1));
  const lastY = Math.min(heightPx, Math.round(y1));
  for (let y = Math.max(0, Math.round(y0)); y < lastY; y++) {
    const across = (2 * y + 1 - y0 - y1) / (y1 - y0);
    for (let x = Math.max(0, Math.round(x0)); x < lastX; x++) {
      const along = (2 * x + 1 - x0 - x1) / (x1 - x0);
      if (form === 'ellipse' && along * along + across * across > 1) continue;
      const at = 3 * (y * widthPx + x);
      data[at] = red;
      data[at + 1] = green;
      data[at + 2] = blue;
    }
  }
}

/** Adds 0 to 15 to every value: Numerical Recipes' linear congruential generator, modulo 2^32. */
function addNoise(data: Uint8Array): void {
  let noise = 1;
  for (let at = 0; at < data.length; at++) {
    noise = (Math.imul(noise, 1664525) + 1013904223) >>> 0;
    data[at] = (data[at] ?? 0) + (noise >>> 28);
  }
}
