import { Headers } from '../../core/headers.ts'
import type { ClientPort } from '../../engine/client-port.ts'
import { Exchange } from '../../engine/exchange.ts'
import type { EngineServices } from '../../engine/services.ts'

/** The same request once more, as it stands now, without its body; `client` gets the reply. */
export function copyRequest(original: Exchange, client: ClientPort, services: EngineServices): Exchange {
  const { world } = services
  const { method, target, protocol, versionMinor, clientAddress } = original
  const headers = Headers.from(original.headers)
  // Nobody waits to be told that the body may come.
  headers.delete('expect')
  const { host, authority, userAgent, forwarding } = original
  const facts = {
    host,
    authority,
    userAgent,
    forwarding,
    close: false,
    keepAlive: false,
    upgrade: '',
    trailers: false,
    expectsContinue: false,
    passedHere: false,
    everyday: false,
  }
  const request = { method, target, headers, protocol, versionMinor, clientAddress, facts }
  const copy = new Exchange(original.session, client, request, services.nextSequence(), world.now(), world.wallClock())
  copy.path = original.path
  copy.query = original.query
  copy.route = original.route
  return copy
}
