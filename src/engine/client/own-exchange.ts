import { Headers } from '../../core/headers.ts'
import type { ClientPort } from '../client-port.ts'
import { Exchange } from '../exchange.ts'
import type { EngineServices } from '../services.ts'
import { Session } from '../session.ts'
import type { ClientRequest } from './http-client.ts'

/** Stands where a client's connection stands in the exchanges of others. */
const nobody = new Session({
  listener: '',
  clientAddress: '',
  clientPort: 0,
  peerAddress: '',
  localAddress: '',
  localPort: 0,
  tls: null,
})

/** A request of Turnpike's own as an exchange; `client` gets the reply. Its body is left to the caller. */
export function ownExchange(
  { method, url, fields = [], timeouts }: ClientRequest,
  client: ClientPort,
  services: EngineServices,
): Exchange {
  const { world, userAgent } = services
  const headers = Headers.from(fields)
  if (!headers.has('user-agent')) headers.append('User-Agent', userAgent)
  const facts = {
    host: url.hostname,
    authority: url.host,
    userAgent,
    forwarding: 0,
    close: false,
    keepAlive: false,
    upgrade: '',
    trailers: false,
    expectsContinue: false,
    passedHere: false,
    everyday: false,
  }
  const target = url.pathname + url.search
  const request = { method, target, headers, protocol: 'HTTP/1.1', versionMinor: 1, clientAddress: '', facts } as const
  const exchange = new Exchange(nobody, client, request, services.nextSequence(), world.now(), world.wallClock())
  exchange.path = url.pathname
  exchange.query = url.search
  exchange.timeouts = { ...timeouts, totalMs: Infinity }
  return exchange
}
