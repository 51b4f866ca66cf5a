import { canonicalHost } from '../../core/canonical-host.ts'
import { TurnpikeError } from '../../core/error.ts'
import type { RequestHead } from '../../wire/http1/request-head.ts'
import type { Destination } from './destination.ts'

type ConnectHead = Pick<RequestHead, 'target' | 'chunked' | 'contentLength'>

/** RFC 9110 §7.1: authority-form, as RFC 9112 §3.2.3 has it; the port is never left out. */
const authorityForm = /^(\[[^\]]*\]|[^:@[\]%]+):(\d{1,5})$/

/** Where a CONNECT request wants to go (F1). Throws ERR_CONNECT_TARGET. */
export function connectDestination({ target, chunked, contentLength }: ConnectHead): Destination {
  // RFC 9110 §9.3.6: content has no meaning there.
  if (chunked || contentLength > 0)
    throw new TurnpikeError('ERR_CONNECT_TARGET', { message: 'A CONNECT request has no body.' })
  return { kind: 'connect', ...parseConnectTarget(target), address: null, hello: null }
}

/** What follows CONNECT: the host in its canonical text, without brackets. Throws ERR_CONNECT_TARGET. */
export function parseConnectTarget(target: string): { host: string; port: number } {
  const [, named = '', digits = ''] = authorityForm.exec(target) ?? []
  const host = named === '' ? null : canonicalHost(named)
  const port = Number(digits)
  if (host === null || host === '' || port < 1 || port > 65_535) {
    throw new TurnpikeError('ERR_CONNECT_TARGET', {
      message: `${JSON.stringify(target)} is no host with a port, as CONNECT needs it.`,
    })
  }
  return { host, port }
}
