import type { Exchange } from '../../engine/exchange.ts'
import { defineMiddleware } from '../../engine/middleware/middleware.ts'
import { requestIdOptions } from './config.ts'

const plainId = /^[\w\-.~:@/+=]{1,128}$/

/** Gives each request an id that the upstream, the client and the log agree on. */
export const requestId = defineMiddleware({
  name: 'requestId',
  options: requestIdOptions,
  create({ header, trust }, _scope, { services: { requestIds } }) {
    const kept = new WeakMap<Exchange, string>()
    const idOf = (exchange: Exchange): string => kept.get(exchange) ?? requestIds.of(exchange)
    return {
      request(exchange) {
        const { headers, session } = exchange
        const received = headers.get(header)
        if (received !== undefined) {
          const trusted = trust === 'everyone' || (trust === 'trustedProxies' && session.peerTrusted)
          // Twice is no id: whoever reads it may take either.
          if (trusted && plainId.test(received) && headers.getAll(header).length === 1) {
            kept.set(exchange, received)
            return
          }
        }
        headers.set(header, requestIds.of(exchange))
      },
      response(exchange) {
        exchange.response!.headers.set(header, idOf(exchange))
      },
    }
  },
})
