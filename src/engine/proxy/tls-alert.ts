/** RFC 8446 §6.2 */
const descriptions = { accessDenied: 49, internalError: 80, unrecognizedName: 112 } as const

/** What is wrong is the name that the ClientHello asks for, or that it asks for none. */
const aboutTheName: ReadonlySet<string> = new Set([
  'ERR_NO_ROUTE',
  'ERR_SNI_MISSING',
  'ERR_SNI_MISMATCH',
  'ERR_RULE_DENIED',
  'ERR_DNS',
])

/**
 * The alert that tells the client of raw TLS why it is turned away: one fatal record, before any ServerHello. It takes
 * an error, or the status alone of a reply that cannot be given.
 */
export function tlsAlert({ code = '', status }: { code?: string; status: number }): Buffer {
  const denied = status >= 400 && status < 500 ? descriptions.accessDenied : descriptions.internalError
  const description = aboutTheName.has(code) ? descriptions.unrecognizedName : denied
  // RFC 8446 §5.1 and §6: alert (21), legacy version 1.2, two bytes, fatal (2).
  return Buffer.from([21, 3, 3, 0, 2, 2, description])
}
