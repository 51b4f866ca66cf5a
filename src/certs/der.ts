/** Writes DER (X.690), as far as certificates need it: each function gives one whole value, tag and length included. */
export const der = {
  sequence: (...parts: readonly Uint8Array[]): Buffer => tagged(0x30, ...parts),
  set: (...parts: readonly Uint8Array[]): Buffer => tagged(0x31, ...parts),
  /** Of an unsigned number, big end first. */
  integer: (magnitude: Uint8Array): Buffer => tagged(0x02, unsigned(magnitude)),
  boolean: (value: boolean): Buffer => tagged(0x01, Uint8Array.of(value ? 0xff : 0)),
  octets: (content: Uint8Array): Buffer => tagged(0x04, content),
  /** Whole bytes, or with the lowest `unused` bits of the last one left out. */
  bits: (content: Uint8Array, unused = 0): Buffer => tagged(0x03, Uint8Array.of(unused), content),
  text: (text: string): Buffer => tagged(0x0c, Buffer.from(text, 'utf8')),
  /** As in `2.5.29.17`. */
  oid: (dotted: string): Buffer => tagged(0x06, Uint8Array.from(arcs(dotted))),
  /** RFC 5280 §4.1.2.5: UTCTime through 2049, GeneralizedTime from then on; in whole seconds. */
  time(ms: number): Buffer {
    const digits = new Date(ms).toISOString().replace(/[-:T]|\.\d+/g, '')
    return digits < '2050' ? tagged(0x17, Buffer.from(digits.slice(2))) : tagged(0x18, Buffer.from(digits))
  },
  /** [number] of a structure, or, with `constructed` false, of plain content in place of its own tag. */
  context: (number: number, content: Uint8Array, constructed: boolean): Buffer =>
    tagged((constructed ? 0xa0 : 0x80) | number, content),
} as const

function tagged(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  return Buffer.concat([Uint8Array.from([tag, ...lengthBytes(length)]), ...parts])
}

function lengthBytes(length: number): number[] {
  if (length < 0x80) return [length]
  return length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
}

/** X.690 §8.3.2: the shortest form; a first bit that is set would make it negative. */
function unsigned(magnitude: Uint8Array): Uint8Array {
  const first = magnitude.findIndex((byte) => byte !== 0)
  if (first === -1) return Uint8Array.of(0)
  const shortest = magnitude.subarray(first)
  return shortest[0]! < 0x80 ? shortest : Uint8Array.from([0, ...shortest])
}

function arcs(dotted: string): number[] {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  return [first * 40 + second, ...rest.flatMap(base128)]
}

function base128(arc: number): number[] {
  const bytes = [arc & 0x7f]
  for (let left = arc >>> 7; left > 0; left >>>= 7) bytes.unshift((left & 0x7f) | 0x80)
  return bytes
}
