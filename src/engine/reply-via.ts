import type { Exchange } from './exchange.ts'

/** The `Via` line of a reply, '' for none: the version that it was received by, then who we are (RFC 9110 §7.6.3). */
export function replyVia({ replyProtocol }: Exchange, viaLine: string): string {
  return replyProtocol === 'HTTP/1.1' || viaLine === '' ? viaLine : `Via: 2 ${viaLine.slice('Via: 1.1 '.length)}`
}
