/** 1 for each byte that a token may hold (RFC 9110 §5.6.2): methods and field names. */
export const tokenBytes: Uint8Array = table(
  "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
)

/** The value of each hexadecimal digit, 255 for all other bytes. */
export const hexDigits: Uint8Array = new Uint8Array(256).fill(255)
for (let value = 0; value < 16; value++) {
  hexDigits[value.toString(16).charCodeAt(0)] = value
  hexDigits[value.toString(16).toUpperCase().charCodeAt(0)] = value
}

/** 1 for each byte that a field value may not hold (RFC 9110 §5.5, H5): control bytes but HTAB. */
export const nonValueBytes: Uint8Array = new Uint8Array(256).fill(1, 0, 0x20)
nonValueBytes[0x09] = 0
nonValueBytes[0x7f] = 1

export const HTAB = 0x09
export const LF = 0x0a
export const CR = 0x0d
export const SPACE = 0x20
export const COLON = 0x3a
export const DELETE = 0x7f

export function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39
}

function table(letters: string): Uint8Array {
  const bytes = new Uint8Array(256)
  for (const letter of letters) bytes[letter.charCodeAt(0)] = 1
  return bytes
}
