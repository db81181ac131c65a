import type { ShownFrame } from './showinfo.ts';

/**
 * Decoders that mark each picture in which they put something invented in the place of what they could not read:
 * the users of libavcodec's error_resilience.c. Of these, a key frame without the mark is whole, whatever was
 * complained about before it.
 */
const MARKING_DECODERS: ReadonlySet<string> = new Set([
  ...[
    'h264',
    'mpeg1video',
    'mpeg2video',
    'mpeg4',
    'h263',
    'h263p',
    'flv',
    'msmpeg4v1',
    'msmpeg4v2',
    'msmpeg4v3',
  ],
  ...['wmv1', 'wmv2', 'wmv3', 'vc1', 'rv30', 'rv40'],
]);

/** `Stream #0:0 -> #0:0 (h264 (native) -> rawvideo (native))`: codec and decoder of what is decoded. */
const MAPPING = /^\[info\]\s+Stream #0:\d+ -> #0:0 \((\S+) \(([^)]+)\)/;
/** The decoder marked the next picture (`AV_FRAME_FLAG_CORRUPT` or `decode_error_flags`), as ffmpeg 4.4 to 8 say it. */
const MARKED_FRAME = 'corrupt decoded frame';
/** The demuxer lacks some of a packet: a transport stream's counter jumped, a file ends within one. */
const CORRUPT_PACKET = 'corrupt input packet';
/** Nothing came of a packet: ffmpeg up to 5, and from 6 on. */
const LOST_PACKET = /\[error\] Error (?:while decoding stream|submitting packet to decoder)/;
const DECODER_ERROR = /^\[(\S+) @ [^\]]*\] \[error\] /;

/** How many pictures a decoder can hold back to show them in another order: H.264 and HEVC allow 16. */
const MOST_REORDERED = 16;

/**
 * Follows ffmpeg's stderr while it decodes and says of each picture whether it can be trusted. A picture is damaged
 * when the decoder marked it, or complained before giving it; and so are those after it up to the next key frame,
 * because they are built on it. Where pictures are shown in another order than they are decoded, a key frame that is
 * shown soon after a complaint may have been decoded before it, and ends nothing. Decoders do not notice everything;
 * what the coded data itself says is in `nalPackets.ts`.
 */
export class DamageWatch {
  #decoder = '';
  #isMarked = false;
  #hasComplaint = false;
  #hasLostPacket = false;
  /** Bidirectional pictures in a row: now, and the most so far. */
  #row = 0;
  #longestRow = 0;
  #shownSinceTrouble = Infinity;
  #isDamaged = false;

  /** Takes every line of stderr, in order with {@link shown}. */
  read(line: string): void {
    const [, codec = '', decoder = ''] = MAPPING.exec(line) ?? [];
    if (decoder !== '') this.#decoder = decoder === 'native' ? codec : decoder;
    else if (line.includes(MARKED_FRAME)) this.#isMarked = true;
    else if (line.includes(CORRUPT_PACKET)) this.#hasComplaint = true;
    else if (DECODER_ERROR.exec(line)?.[1] === this.#decoder) this.#hasComplaint = true;
    else if (LOST_PACKET.test(line)) {
      // What was complained about is lost; of the pictures that come, those built on it are damaged.
      this.#hasComplaint = false;
      this.#hasLostPacket = true;
    }
  }

  /** The next picture came out of the decoder; true when it is damaged. */
  shown({ isKeyFrame, isBidirectional }: Pick<ShownFrame, 'isKeyFrame' | 'isBidirectional'>): boolean {
    const hasTrouble = this.#isMarked || this.#hasComplaint || this.#hasLostPacket;
    this.#row = isBidirectional ? this.#row + 1 : 0;
    this.#longestRow = Math.max(this.#longestRow, this.#row);
    this.#shownSinceTrouble = hasTrouble ? 0 : this.#shownSinceTrouble + 1;
    const isDamaged = isKeyFrame ? this.#isKeyFrameDamaged() : this.#isDamaged || hasTrouble;
    this.#isDamaged = isDamaged || (isKeyFrame && this.#mayTroubleBeLater());
    this.#isMarked = this.#hasComplaint = this.#hasLostPacket = false;
    return isDamaged;
  }

  #isKeyFrameDamaged(): boolean {
    if (MARKING_DECODERS.has(this.#decoder)) return this.#isMarked;
    return this.#isMarked || this.#hasComplaint || this.#mayTroubleBeLater();
  }

  /**
   * What was complained about may be the key frame that is shown now, or decoded after it: a decoder holds back no
   * more pictures than are shown between two that are not bidirectional, and the later of these.
   */
  #mayTroubleBeLater(): boolean {
    const heldBack = this.#longestRow === 0 ? 0 : Math.min(MOST_REORDERED, this.#longestRow + 1);
    return heldBack > 0 && this.#shownSinceTrouble <= heldBack;
  }
}
