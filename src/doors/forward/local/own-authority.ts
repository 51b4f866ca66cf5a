import { canonicalHost } from '../../../core/canonical-host.ts'
import type { Exchange } from '../../../engine/exchange.ts'

/** `host:port`, `[::1]:port` or a host alone. */
const authoritySyntax = /^(\[[^\]]*\]|[^:]*)(?::(\d{1,5}))?$/

/**
 * Host and port of this proxy as a client reaches it: what the config says, else what the request was sent to, else
 * the address that it came in at. Never text that is no host.
 */
export function ownAuthority(exchange: Exchange, configured: string | undefined): string {
  const { session } = exchange
  const usualPort = session.tls === null ? 80 : 443
  return (
    (configured === undefined ? null : readAuthority(configured, session.localPort)) ??
    readAuthority(exchange.authority, usualPort) ??
    formatHost(session.localAddress, session.localPort)
  )
}

function readAuthority(text: string, usualPort: number): string | null {
  const [, host = '', port = String(usualPort)] = authoritySyntax.exec(text) ?? []
  const canonical = canonicalHost(host)
  return canonical === null || Number(port) > 65_535 ? null : formatHost(canonical, Number(port))
}

function formatHost(host: string, port: number): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}
