import { Headers } from '../../core/headers.ts'
import type { Protocol, ReceivedRequest } from '../exchange.ts'
import { readFacts } from '../http1/receive-request.ts'
import type { Session } from '../session.ts'

/** Where to, or null where that could not be read. */
type Target = { host: string; port: number } | null

/** What a connection that is no HTTP asks for, as the request that an exchange is made of. */
export function tunnelRequest(
  method: 'CONNECT' | 'UDP' | '',
  target: Target,
  protocol: Protocol,
  session: Session,
): ReceivedRequest {
  const headers = new Headers()
  const authority = target === null ? '' : authorityOf(target)
  const facts = readFacts(headers, authority, '')
  const { clientAddress } = session
  return { method, target: authority, headers, protocol, versionMinor: 1, clientAddress, facts }
}

function authorityOf({ host, port }: { host: string; port: number }): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}
