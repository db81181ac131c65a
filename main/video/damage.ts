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

/**
 * Follows ffmpeg's stderr while it decodes and says of each picture whether it can be trusted. A picture is damaged
 * when the decoder marked it, or complained before giving it; and so are those after it up to the next key frame,
 * because they are built on it. HEVC and VP9 can be damaged without their decoders noticing: measured, a hole of 300
 * bytes in either passes without a word.
 */
export class DamageWatch {
  #decoder = '';
  #isMarked = false;
  #hasComplaint = false;
  #hasLostPacket = false;
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
  shown(isKeyFrame: boolean): boolean {
    if (isKeyFrame) {
      this.#isDamaged = this.#isMarked || (this.#hasComplaint && !MARKING_DECODERS.has(this.#decoder));
    } else if (this.#isMarked || this.#hasComplaint || this.#hasLostPacket) this.#isDamaged = true;
    this.#isMarked = this.#hasComplaint = this.#hasLostPacket = false;
    return this.#isDamaged;
  }
}
