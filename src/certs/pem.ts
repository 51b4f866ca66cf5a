/** RFC 7468: base64 between two lines, 64 characters a line. */
export function pem(label: 'CERTIFICATE', bytes: Uint8Array): string {
  const lines = Buffer.from(bytes)
    .toString('base64')
    .replace(/(.{64})(?=.)/g, '$1\n')
  return `-----BEGIN ${label}-----\n${lines}\n-----END ${label}-----\n`
}
