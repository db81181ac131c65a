import { readFileSync } from 'node:fs';
import { inflateSync } from 'node:zlib';

export interface RgbImage {
  readonly widthPx: number;
  readonly heightPx: number;
  /** uint8 [heightPx, widthPx, 3]. */
  readonly data: Uint8Array;
}

/** Pixels of an 8-bit RGB PNG without interlacing (W3C PNG, sections 5 and 9): no other decoder in between. */
export function readPng(path: string): RgbImage {
  const file = readFileSync(path);
  const bodies = new Map<string, Buffer[]>();
  for (let at = 8; at < file.length;) {
    const length = file.readUInt32BE(at);
    const kind = file.toString('latin1', at + 4, at + 8);
    bodies.set(kind, [...(bodies.get(kind) ?? []), file.subarray(at + 8, at + 8 + length)]);
    at += 12 + length;
  }
  const header = bodies.get('IHDR')?.[0];
  if (header?.[8] !== 8 || header[9] !== 2 || header[12] !== 0) throw new Error(`not 8-bit RGB: ${path}`);
  const widthPx = header.readUInt32BE(0);
  const heightPx = header.readUInt32BE(4);
  const scanlines = inflateSync(Buffer.concat(bodies.get('IDAT') ?? []));
  return { widthPx, heightPx, data: unfiltered(scanlines, widthPx * 3, heightPx) };
}

function unfiltered(scanlines: Uint8Array, stride: number, rows: number): Uint8Array {
  const data = new Uint8Array(stride * rows);
  for (let y = 0; y < rows; y++) {
    const filter = scanlines[y * (stride + 1)]!;
    for (let x = 0; x < stride; x++) {
      const at = y * stride + x;
      const left = x >= 3 ? data[at - 3]! : 0;
      const up = y > 0 ? data[at - stride]! : 0;
      const upLeft = x >= 3 && y > 0 ? data[at - stride - 3]! : 0;
      data[at] = scanlines[y * (stride + 1) + 1 + x]! + predicted(filter, left, up, upLeft);
    }
  }
  return data;
}

function predicted(filter: number, left: number, up: number, upLeft: number): number {
  if (filter === 0) return 0;
  if (filter === 1) return left;
  if (filter === 2) return up;
  if (filter === 3) return (left + up) >> 1;
  const estimate = left + up - upLeft;
  const [toLeft, toUp, toUpLeft] = [left, up, upLeft].map((value) => Math.abs(estimate - value));
  if (toLeft! <= toUp! && toLeft! <= toUpLeft!) return left;
  return toUp! <= toUpLeft! ? up : upLeft;
}
