import { describe, expect, it } from 'vitest';
import { BrokenPackets, PacketJoiner, timesOfPackets } from '../../../main/video/codedPackets.ts';
import type { CodedPacket } from '../../../main/video/codedPackets.ts';
import { nalPacketCheck } from '../../../main/video/nalPackets.ts';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

/** What is said of packets of one stream, in order: x for a broken one. */
function verdicts(codec: string, ...packets: string[]): string {
  const check = nalPacketCheck(codec);
  if (check === null) throw new Error(`no check for ${codec}`);
  return packets.map((packet) => (check.isBroken(hex(packet)) ? 'x' : '.')).join('');
}

/** A picture of H.264 (type 1) and one of HEVC (type 1), seven bytes each, before which its length comes. */
const [AVC, HEVC] = ['00000007 41 9a0000030102', '00000007 02 010000030102'];

describe('packets of H.264 and HEVC', () => {
  it.each([
    ['zeros within a picture', 'h264', AVC, '00000007 41 9a0000000502'],
    ['zeros within a picture', 'hevc', HEVC, '00000007 02 010000000502'],
    ['zeros within a later picture of the packet', 'h264', AVC, `${AVC} 00000006 01 9a00000005`],
    ['what the escape is for', 'h264', AVC, '00000006 41 9a00000205'],
    ['a length past the end', 'h264', AVC, '00000008 41 9a0000030102'],
    ['a length short of the end', 'hevc', HEVC, '00000003 02 010000030102'],
    ['a length in a hole', 'h264', AVC, '00000000 00 000000000000'],
    ['more zeros than stand before a start code', 'h264', AVC, '00000009 41 9a0000000001 0a05'],
    ['zeros, by start codes', 'h264', '000001 41 9a05', '000001 41 9a00000005'],
    ['what the escape is for, by start codes', 'hevc', '000001 02 0105', '00000001 02 0100000205'],
  ])('says that it was overwritten: %s (%s)', (_what, codec, sound, broken) => {
    expect(verdicts(codec, sound, broken, sound)).toBe('.x.');
  });

  it.each([
    ['several units', 'h264', `00000002 09f0 ${AVC} ${AVC}`],
    ['zeros in what is no picture', 'h264', `00000006 06 0500000080 ${AVC}`],
    ['zeros in what is no picture', 'hevc', `00000006 4e 0100000080 ${HEVC}`],
    ['padding at the end of a picture', 'h264', '00000006 41 9a05000000'],
    ['an escaped end of a picture', 'h264', '00000006 41 9a05000003'],
    ['the end of the stream behind a start code', 'h264', '00000008 41 9a05 000000010a'],
    ['start codes, padding before them and at the end', 'h264', '00000001 09f0 0000000001 41 9a000003010000'],
    ['the length 256', 'h264', `00000100 41 ${'9a'.repeat(255)}`],
  ])('lets a sound packet be: %s (%s)', (_what, codec, packet) => {
    expect(verdicts(codec, packet, packet)).toBe('..');
  });

  it('says nothing until a packet shows how its units are told from each other', () => {
    expect(verdicts('h264', '41 9a00000005', '41 9a00000005', AVC, '00000006 41 9a00000005')).toBe('...x');
  });

  it('has no say in other codecs', () => {
    expect(nalPacketCheck('vp9')).toBe(null);
  });
});

const packet = (ordinal: number, ptsUs: number | null, isKey = false, bytes = 0): CodedPacket => ({
  ...{ ordinal, ptsUs, isKey, bytes },
});

describe('PacketJoiner', () => {
  it.each([1, 2, 3, 100])('cuts bytes that come %i at a time, sizes first or last', (step) => {
    const bytes = Buffer.from('aabbbcdddd');
    const packets = [2, 3, 0, 1, 4].map((size, ordinal) => packet(ordinal, null, false, size));
    for (const isSizeFirst of [true, false]) {
      const joined: string[] = [];
      const joiner = new PacketJoiner(({ ordinal }, data) => joined.push(`${ordinal}${data.toString()}`));
      const expectAll = (): void => packets.forEach((next) => void joiner.expect(next));
      if (isSizeFirst) expectAll();
      for (let at = 0; at < bytes.length; at += step) joiner.push(bytes.subarray(at, at + step));
      if (!isSizeFirst) expectAll();
      expect(joined).toEqual(['0aa', '1bbb', '2', '3c', '4dddd']);
    }
  });
});

describe('BrokenPackets', () => {
  it('takes all that is decoded after a broken one up to a key frame, and open groups past it', () => {
    const broken = new BrokenPackets();
    // I0 P3 B1 B2 | I6 B4 B5 P9 | I10 B7, with P3 broken: B4 and B5 are built on it, P9 is not.
    const [keys, order] = [
      [0, 6, 10],
      [0, 3, 1, 2, 6, 4, 5, 9, 10, 7],
    ];
    order.forEach((ptsUs, ordinal) => broken.read(packet(ordinal, ptsUs, keys.includes(ptsUs)), ptsUs === 3));
    expect(broken.packets.map(({ ptsUs }) => ptsUs)).toEqual([3, 1, 2, 4, 5]);
  });
});

describe('timesOfPackets', () => {
  it('takes the frames of those times, or those near where no frame has it', () => {
    const frameTimesUs = Float64Array.from({ length: 100 }, (_, i) => 10 * i);
    const of = (...packets: CodedPacket[]): number[] => [...timesOfPackets(packets, frameTimesUs, 200)];
    expect(of(packet(7, 30), packet(8, 20))).toEqual([20, 30]);
    expect(of(packet(4, null))).toEqual(Array.from({ length: 19 }, (_, i) => 10 * i));
    expect(of()).toEqual([]);
  });
});
