import { describe, expect, it } from 'vitest';
import { DamageWatch } from '../../../main/video/damage.ts';

const mapped = (codec: string, decoder = 'native'): DamageWatch => {
  const watch = new DamageWatch();
  watch.read(`[info]   Stream #0:0 -> #0:0 (${codec} (${decoder}) -> rawvideo (native))`);
  return watch;
};

const shown = (watch: DamageWatch, type: string): boolean =>
  watch.shown({ isKeyFrame: type === 'I', isBidirectional: type === 'B' });

/** What is said of pictures of these types, I P P I P, with these lines read before the second. */
function verdicts(watch: DamageWatch, lines: readonly string[], types = 'IPPIP'): string {
  const verdictsInOrder = [...types].map((type, at) => {
    if (at === 1) for (const line of lines) watch.read(line);
    return shown(watch, type);
  });
  return verdictsInOrder.map((isDamaged) => (isDamaged ? 'x' : '.')).join('');
}

describe('DamageWatch', () => {
  it.each([
    ['h264', '[warning] file:a.mkv: corrupt decoded frame in stream 0', '.xx..'],
    ['h264', '[vist#0:0/h264 @ 0x55] [dec:h264 @ 0x56] [warning] corrupt decoded frame', '.xx..'],
    ['h264', '[h264 @ 0x55] [error] co located POCs unavailable', '.xx..'],
    ['mpeg2video', '[warning] file:a.ts: corrupt input packet in stream 0', '.xx..'],
    ['hevc', '[hevc @ 0x55] [error] Could not find ref with POC 3', '.xx..'],
    ['h264', '[null @ 0x55] [error] Application provided invalid, non monotonically increasing dts', '.....'],
    ['h264', '[h264 @ 0x55] [info] Reinit context to 640x480', '.....'],
  ])('%s: %s', (codec, line, expected) => {
    expect(verdicts(mapped(codec), [line])).toBe(expected);
  });

  it('takes the name of the decoder where it is not the codec’s own', () => {
    expect(verdicts(mapped('av1', 'libdav1d'), ['[libdav1d @ 0x5] [error] Error parsing OBU data'])).toBe(
      '.xx..',
    );
  });

  it('does not blame a whole key frame for what came before it, where the decoder marks pictures', () => {
    const watch = mapped('h264');
    watch.read('[h264 @ 0x5] [error] non-existing PPS 0 referenced');
    expect(shown(watch, 'I')).toBe(false);
    watch.read('[warning] file:a: corrupt decoded frame in stream 0');
    expect([shown(watch, 'I'), shown(watch, 'P'), shown(watch, 'I')]).toEqual([true, true, false]);
  });

  it('doubts a key frame behind a complaint where the decoder marks nothing', () => {
    const watch = mapped('mjpeg');
    watch.read('[mjpeg @ 0x5] [error] overread 8');
    expect([shown(watch, 'I'), shown(watch, 'I')]).toEqual([true, false]);
  });

  it('takes a complaint about a packet that gave no picture for what follows it up to a key frame', () => {
    const lost = [
      '[mjpeg @ 0x5] [error] dqt: invalid precision',
      '[error] Error while decoding stream #0:0: Invalid',
    ];
    expect(verdicts(mapped('mjpeg'), lost)).toBe('.xx..');
    const watch = mapped('mjpeg');
    for (const line of lost) watch.read(line);
    expect(shown(watch, 'I')).toBe(false);
  });

  it('does not take a key frame that may have been decoded before the complaint for the end of it', () => {
    const complaint = ['[hevc @ 0x55] [error] Could not find ref with POC 3'];
    const loss = ['[error] Error while decoding stream #0:0: Invalid data found when processing input'];
    // The key frame itself: whole where the decoder would have marked it.
    expect(verdicts(mapped('hevc'), complaint, 'IBPIBPIBP')).toBe('.xxxxx...');
    expect(verdicts(mapped('h264'), loss, 'IBPIBPIBP')).toBe('.xx.xx...');
    // More pictures later than a decoder that shows one B at a time can hold back.
    expect(verdicts(mapped('hevc'), complaint, 'IBPBPIBP')).toBe('.xxxx...');
  });
});
