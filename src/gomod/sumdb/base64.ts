/** Reads standard base64 with its padding; null where it is anything else. `Buffer.from` alone takes all sorts. */
export function readBase64(text: string): Buffer | null {
  const bytes = Buffer.from(text, 'base64')
  return bytes.toString('base64') === text ? bytes : null
}
