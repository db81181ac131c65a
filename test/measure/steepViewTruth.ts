import type { Box } from '../../preload/contract/geometry.ts';

/** A frame of `car-detection.mp4`, counted from 0, and the cars it shows. */
export interface CarFrame {
  readonly frame: number;
  readonly boxesInSource: readonly Box[];
}

/** Every third frame of the clip was judged. */
export const JUDGED_EVERY = 3;

/**
 * Cars in the judged frames: frames 57 to 105, 183 to 237 and 318 to 345 show one or two, the others none. Made for
 * this check, 2026-11-23: each frame's difference from the clip's median frame (brightness evened out, above 45 of 255,
 * gaps of 25 px closed, above 1200 px²) gave the boxes, all of which were then looked at. They hold the car and a rim
 * of its shadow, up to 25 px. Left out: shadows before or after their car (frames 108, 180, 315), and the last sliver of
 * the car at the lower edge in frame 228. What stands parked at the upper edge all the time is not in the picture but
 * for its shadow.
 */
// prettier-ignore
const CARS: ReadonlyArray<readonly [frame: number, ...boxes: ReadonlyArray<readonly [x0: number, y0: number, x1: number, y1: number]>]> = [
  [57, [292, 378, 462, 432]], [60, [287, 333, 484, 432]], [63, [282, 289, 478, 432]], [66, [279, 246, 480, 432]],
  [69, [275, 206, 479, 432]], [72, [272, 163, 470, 432]], [75, [270, 128, 456, 432]], [78, [269, 94, 443, 392]],
  [81, [269, 63, 433, 340]], [84, [269, 33, 424, 292]], [87, [272, 0, 416, 244]], [90, [274, 0, 410, 210]],
  [93, [284, 0, 405, 177]], [96, [284, 0, 401, 144]], [99, [285, 0, 398, 115]], [102, [286, 0, 395, 80]],
  [105, [288, 0, 392, 60]], [183, [159, 0, 258, 48]], [186, [154, 0, 261, 83]],
  [189, [147, 0, 259, 117], [333, 390, 490, 432]], [192, [136, 0, 269, 154], [326, 342, 488, 432]],
  [195, [127, 0, 266, 199], [316, 290, 503, 432]], [198, [118, 0, 263, 243], [316, 246, 495, 432]],
  [201, [109, 0, 260, 294], [315, 208, 494, 432]], [204, [98, 36, 257, 348], [314, 170, 488, 432]],
  [207, [87, 72, 253, 407], [313, 134, 481, 432]], [210, [312, 94, 472, 399], [73, 116, 249, 432]],
  [213, [310, 64, 466, 348], [61, 159, 246, 432]], [216, [309, 34, 458, 300], [51, 204, 244, 432]],
  [219, [307, 0, 452, 255], [64, 252, 231, 432]], [222, [305, 0, 446, 218], [71, 301, 228, 432]],
  [225, [307, 0, 439, 184], [68, 356, 226, 432]], [228, [303, 0, 432, 146]], [231, [298, 0, 426, 119]],
  [234, [295, 0, 417, 83]], [237, [291, 0, 403, 56]], [318, [196, 0, 321, 68]], [321, [179, 0, 324, 129]],
  [324, [165, 0, 323, 187]], [327, [151, 0, 320, 254]], [330, [139, 16, 312, 330]], [333, [127, 65, 307, 414]],
  [336, [113, 131, 305, 432]], [339, [104, 197, 305, 432]], [342, [115, 279, 297, 432]],
  [345, [113, 356, 296, 432]],
];

export const CAR_FRAMES: readonly CarFrame[] = CARS.map(([frame, ...boxes]) => ({
  frame,
  boxesInSource: boxes.map(([x0, y0, x1, y1]) => ({ x0, y0, x1, y1 })),
}));
