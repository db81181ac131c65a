import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';

type Rgb = readonly [number, number, number];

/** WCAG 2.2 AA: text (1.4.3), and what is told by colour alone and the borders of controls (1.4.11). */
const TEXT = 4.5;
const GRAPHIC = 3;
const GROUNDS = ['ground', 'panel', 'raised', 'sunken', 'hover', 'accent-ground'] as const;
const GROUPS = ['person', 'vehicle', 'bag', 'animal', 'other'] as const;

/** What stands on what, and how much it must stand out. */
const PAIRS: ReadonlyArray<readonly [token: string, ground: string, least: number]> = [
  ...GROUNDS.flatMap((ground) =>
    (['text', 'text-soft'] as const).map((text) => [text, ground, TEXT] as const),
  ),
  ...(['panel', 'raised', 'sunken', 'accent-ground'] as const).flatMap((ground) =>
    (['accent', 'alert', 'warn', 'good'] as const).map((text) => [text, ground, TEXT] as const),
  ),
  ['on-accent', 'accent', TEXT],
  ['warn', 'warn-ground', TEXT],
  ['alert', 'alert-ground', TEXT],
  ['text', 'warn-ground', TEXT],
  ['text-soft', 'timeline-ground', TEXT],
  ...(['panel', 'raised', 'sunken'] as const).map((ground) => ['line-strong', ground, GRAPHIC] as const),
  ...GROUPS.flatMap((group) =>
    (['panel', 'raised', 'timeline-span'] as const).map(
      (ground) => [`group-${group}`, ground, GRAPHIC] as const,
    ),
  ),
  ...(['timeline-ground', 'timeline-lane', 'timeline-span'] as const).flatMap((ground) =>
    (['playhead', 'mark', 'alert'] as const).map((token) => [token, ground, GRAPHIC] as const),
  ),
  ['coverage-analysed', 'panel', GRAPHIC],
  ['coverage-analysed', 'timeline-span', GRAPHIC],
];

/** Both colours of every token written as `light-dark(#…, #…)`. */
async function readTokens(): Promise<ReadonlyMap<string, readonly [light: string, dark: string]>> {
  const css = await readFile(new URL('../../../renderer/app/tokens.css', import.meta.url), 'utf8');
  const tokens = new Map<string, readonly [string, string]>();
  for (const [, name = '', light = '', dark = ''] of css.matchAll(
    /--([\w-]+): light-dark\((#\w{6}), (#\w{6})\);/g,
  ))
    tokens.set(name, [light, dark]);
  return tokens;
}

function rgbFromHex(hex: string): Rgb {
  const part = (at: number): number => Number.parseInt(hex.slice(at, at + 2), 16) / 255;
  return [part(1), part(3), part(5)];
}

/** Relative luminance, WCAG 2.2. */
function luminance([red, green, blue]: Rgb): number {
  const linear = (value: number): number =>
    value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
}

function contrast(a: string, b: string): number {
  const [high = 0, low = 0] = [luminance(rgbFromHex(a)), luminance(rgbFromHex(b))].sort((x, y) => y - x);
  return (high + 0.05) / (low + 0.05);
}

describe('the design tokens that meet on screen', () => {
  it.each([
    ['light', 0],
    ['dark', 1],
  ] as const)('stand out from each other in the %s theme', async (_, theme) => {
    const tokens = await readTokens();
    const tooFaint = PAIRS.filter(([token, ground, least]) => {
      const [front, back] = [tokens.get(token)?.[theme], tokens.get(ground)?.[theme]];
      if (front === undefined || back === undefined) throw new Error(`no token ${token} or ${ground}`);
      return contrast(front, back) < least;
    });
    expect(tooFaint).toEqual([]);
  });
});
