import { Headers } from '../../core/headers.ts'
import { noBody } from '../../engine/body.ts'
import type { Reply } from '../../engine/exchange.ts'
import { defineMiddleware } from '../../engine/middleware/middleware.ts'
import { corsOptions } from './config.ts'
import { OriginSet } from './origin-set.ts'

/** Tells browsers which pages of other origins may read replies (Fetch §3.3); answers preflights. */
export const cors = defineMiddleware({
  name: 'cors',
  options: corsOptions,
  create({ origins, methods, headers: allowed, exposeHeaders, credentials, maxAge, privateNetwork }) {
    const set = new OriginSet(origins)
    const exposed = exposeHeaders.join(', ')
    return {
      request(exchange): Reply | undefined {
        const { method, headers } = exchange
        // Fetch §3.3.1: this is what makes a preflight.
        if (method !== 'OPTIONS' || !headers.has('origin') || !headers.has('access-control-request-method'))
          return undefined
        const reply = new Headers()
        reply.append('Vary', privateNetwork ? `${varied}, ${privateRequest}` : varied)
        if (set.allows(headers.get('origin')!)) {
          reply.append('Access-Control-Allow-Methods', methods.join(', '))
          if (allowed.length > 0) reply.append('Access-Control-Allow-Headers', allowed.join(', '))
          if (maxAge !== undefined) reply.append('Access-Control-Max-Age', String(Math.floor(maxAge / 1000)))
          if (privateNetwork && headers.get('access-control-request-private-network') === 'true') {
            reply.append('Access-Control-Allow-Private-Network', 'true')
          }
        }
        return { status: 204, headers: reply, body: noBody }
      },
      response(exchange) {
        const { headers } = exchange.response!
        // One voice: what the upstream says of it goes.
        headers.delete('access-control-allow-origin')
        headers.delete('access-control-allow-credentials')
        headers.delete('access-control-expose-headers')
        // Fetch §3.3.6: also where no origin came, or a cache would give this reply to those that have one.
        if (!set.all) vary(headers)
        const origin = exchange.headers.get('origin')
        if (origin === undefined || !set.allows(origin)) return
        headers.append('Access-Control-Allow-Origin', set.all ? '*' : origin)
        if (credentials) headers.append('Access-Control-Allow-Credentials', 'true')
        if (exposed !== '') headers.append('Access-Control-Expose-Headers', exposed)
      },
    }
  },
})

const privateRequest = 'Access-Control-Request-Private-Network'
const varied = 'Access-Control-Request-Method'

function vary(headers: Headers): void {
  const named = headers.getAll('vary').join(',').toLowerCase().split(',')
  if (!named.some((name) => name.trim() === 'origin' || name.trim() === '*')) headers.append('Vary', 'Origin')
}
