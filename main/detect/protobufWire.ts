// Protocol buffers' wire format (protobuf.dev, "Encoding"), as far as ONNX files need it. Our own and not a library's:
// a message is looked at where it lies, so 180 MB of weights are never copied or turned into objects, and what is
// written back keeps every field that this version does not know.

/** One field of a message. */
export interface WireField {
  readonly number: number;
  /** Of varints and fixed-size numbers: the value as unsigned 64 bits; 0n for the others. */
  readonly value: bigint;
  /** What a length-delimited field holds, a view; null for numbers. */
  readonly payload: Uint8Array | null;
  /** The whole field with its tag, a view. */
  readonly bytes: Uint8Array;
}

const VARINT = 0;
const FIXED64 = 1;
const LENGTH_DELIMITED = 2;
const FIXED32 = 5;

/**
 * The fields of a message in the order of the file.
 * @throws RangeError where the bytes are no message: cut short, an overlong number, a deprecated group.
 */
export function* readFields(message: Uint8Array): Generator<WireField, void, void> {
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  let offset = 0;
  while (offset < message.length) {
    const start = offset;
    const tag = readVarint(message, offset);
    const number = Number(tag.value >> 3n);
    const type = Number(tag.value & 7n);
    if (number < 1 || number > 0x1fff_ffff) throw new RangeError(`no field has the number ${number}`);
    offset = tag.end;
    let value = 0n;
    let payload: Uint8Array | null = null;
    if (type === VARINT) {
      ({ value, end: offset } = readVarint(message, offset));
    } else if (type === FIXED64) {
      value = view.getBigUint64(offset, true);
      offset += 8;
    } else if (type === FIXED32) {
      value = BigInt(view.getUint32(offset, true));
      offset += 4;
    } else if (type === LENGTH_DELIMITED) {
      const length = readVarint(message, offset);
      offset = length.end + Number(length.value);
      if (offset > message.length) throw new RangeError('a field is cut short');
      payload = message.subarray(length.end, offset);
    } else {
      throw new RangeError(`wire type ${type} is not known`);
    }
    yield { number, value, payload, bytes: message.subarray(start, offset) };
  }
}

/**
 * The numbers of a packed field.
 * @throws RangeError when there are more than `maxCount`, or the last is cut short.
 */
export function readPackedVarints(payload: Uint8Array, maxCount: number): bigint[] {
  const values: bigint[] = [];
  let offset = 0;
  while (offset < payload.length) {
    const { value, end } = readVarint(payload, offset);
    if (values.length === maxCount) throw new RangeError(`a list is longer than ${maxCount}`);
    values.push(value);
    offset = end;
  }
  return values;
}

function readVarint(bytes: Uint8Array, offset: number): { value: bigint; end: number } {
  let low = 0;
  for (let i = 0; i < 4; i++) {
    const byte = bytes[offset + i];
    if (byte === undefined) throw new RangeError('a number is cut short');
    low += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) return { value: BigInt(low), end: offset + i + 1 };
  }
  let value = BigInt(low);
  for (let i = 4; i < 10; i++) {
    const byte = bytes[offset + i];
    if (byte === undefined) throw new RangeError('a number is cut short');
    value |= BigInt(byte & 0x7f) << BigInt(7 * i);
    if (byte < 0x80) return { value: BigInt.asUintN(64, value), end: offset + i + 1 };
  }
  throw new RangeError('a number is longer than 64 bits');
}

/** A field that holds a number, as bytes. Negative numbers are written as 64 bits, as int64 is. */
export function varintField(number: number, value: bigint): Uint8Array {
  return joinBytes([varint(BigInt(number << 3)), varint(BigInt.asUintN(64, value))]);
}

/** A field that holds bytes, a text or a message, as bytes. */
export function payloadField(number: number, payload: Uint8Array | string): Uint8Array {
  const content = typeof payload === 'string' ? new TextEncoder().encode(payload) : payload;
  return joinBytes([...payloadHeader(number, content.length), content]);
}

/** What comes before the content of a field of `lengthBytes`: for content that is joined elsewhere. */
export function payloadHeader(number: number, lengthBytes: number): readonly Uint8Array[] {
  return [varint(BigInt((number << 3) | LENGTH_DELIMITED)), varint(BigInt(lengthBytes))];
}

/** One array out of many, copied once. */
export function joinBytes(parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(byteLengthOf(parts));
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}

export function byteLengthOf(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, part) => sum + part.length, 0);
}

function varint(value: bigint): Uint8Array {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>= 7n) {
    if (rest < 0x80n) return Uint8Array.from([...bytes, Number(rest)]);
    bytes.push(Number(rest & 0x7fn) | 0x80);
  }
}
