import { describe, expect, it } from 'vitest';
import { JpegPacketCheck } from '../../../main/video/jpegPackets.ts';

/** One table of one code, the bit 0: of DC no difference, of AC the end of the block. A block is the bits 00. */
const TABLES = ['00', '10'].map((id) => `ffc40014 ${id} 01${'00'.repeat(15)} 00`).join('');
/** A grey picture of 16x8: two blocks, so 0000 and ones up to the byte. */
const frame = (marker: string): string => `${marker}000b 08 0008 0010 01 011100`;
const SCAN = 'ffda0008 01 0100 003f00';
const RESTARTS = 'ffdd00040001';

const picture = (code: string, { marker = 'ffc0', tables = TABLES, before = '' } = {}): Buffer =>
  Buffer.from(`ffd8${tables}${before}${frame(marker)}${SCAN}${code}`.replaceAll(' ', ''), 'hex');

/** What is said of pictures of one stream, in order: x for a broken one. */
function verdicts(...pictures: Buffer[]): string {
  const check = new JpegPacketCheck();
  return pictures.map((packet) => (check.isBroken(packet) ? 'x' : '.')).join('');
}

const SOUND = picture('0f ffd9');

describe('packets of Motion JPEG', () => {
  it.each([
    ['a code that no table has', picture('8f ffd9')],
    ['fewer blocks than the picture has', picture('ffd9')],
    ['more code than its blocks', picture('0f123456 ffd9')],
    ['another marker within the code', picture('0f ffe1 0002 ffd9')],
    ['a restart out of its turn', picture('3f ffd1 3f ffd9', { before: RESTARTS })],
    ['a restart that is not there', picture('0f ffd9', { before: RESTARTS })],
    ['an interval without its block', picture('ffd0 3f ffd9', { before: RESTARTS })],
  ])('says that it was overwritten: %s', (_what, broken) => {
    expect(verdicts(SOUND, broken, SOUND)).toBe('.x.');
  });

  it.each([
    ['filling behind the code', picture('0f 00000000 ffff ffd9')],
    ['no end of the picture', picture('0f')],
    ['restarts', picture('3f ffd0 3f ffd9', { before: RESTARTS })],
    ['tables that it does not bring along', picture('8f ffd9', { tables: '' })],
    ['a progressive picture', picture('8f ffd9', { marker: 'ffc2' })],
    ['what is no picture', Buffer.from('00000000', 'hex')],
  ])('lets a packet be: %s', (_what, packet) => {
    expect(verdicts(SOUND, packet)).toBe('..');
  });

  it('reads past the zero that stands behind each FF', () => {
    // Codes of eight bits: 00 is no difference and the end of the block, 01 a difference of eight bits.
    const symbols = `0008${'01'.repeat(253)}`;
    const tables = ['00', '10']
      .map((id) => `ffc40112 ${id} ${'00'.repeat(7)} ff ${'00'.repeat(8)} ${symbols}`)
      .join('');
    const code = (text: string): Buffer => picture(`${text} ffd9`, { tables });
    // One byte short of two blocks where the zero does not count.
    expect(verdicts(code('0000 0000'), code('01ff00 00 0000'), code('01ff00 00 00'))).toBe('..x');
  });

  it('says nothing of a stream before it could count one of its pictures', () => {
    expect(verdicts(picture('8f ffd9'), picture('8f ffd9'), SOUND, picture('8f ffd9'))).toBe('...x');
  });
});
