import type { SizePx } from '../../preload/contract/geometry.ts';
import type { InputPlan, ModelFrame } from './detection.ts';

const SOURCE: SizePx = { widthPx: 640, heightPx: 480 };

/**
 * A made frame to try a model on, the same every time: plates of four sizes over each other on a gradient with noise,
 * so that a region proposal network answers at every scale of its pyramid.
 */
export function testFrame(planInput: (source: SizePx) => InputPlan): ModelFrame {
  const { widthPx, heightPx } = planInput(SOURCE);
  const data = new Uint8Array(3 * widthPx * heightPx);
  let noise = 1;
  for (let y = 0, write = 0; y < heightPx; y++) {
    for (let x = 0; x < widthPx; x++) {
      const plates = [4, 5, 6, 7].reduce((sum, bits) => sum + (((x >> bits) ^ (y >> bits)) & 1), 0);
      for (let channel = 0; channel < 3; channel++, write++) {
        // Numerical Recipes' linear congruential generator, modulo 2^32.
        noise = (Math.imul(noise, 1664525) + 1013904223) >>> 0;
        data[write] = 40 * plates + ((x * (channel + 1) + y) & 63) + (noise >>> 28);
      }
    }
  }
  return { widthPx, heightPx, data, sourceSize: SOURCE };
}
