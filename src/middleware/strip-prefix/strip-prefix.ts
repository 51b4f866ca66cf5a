import { defineMiddleware } from '../../engine/middleware/middleware.ts'
import { stripPrefixOptions } from './config.ts'

/** Takes a prefix off the path that is forwarded; the origin hears of it by `X-Forwarded-Prefix`. */
export const stripPrefix = defineMiddleware({
  name: 'stripPrefix',
  options: stripPrefixOptions,
  create({ prefix }) {
    return {
      request(exchange) {
        const { path } = exchange
        // W16: at the end of a segment alone.
        if (!path.startsWith(prefix) || (path.length > prefix.length && path[prefix.length] !== '/')) return
        exchange.path = path.length === prefix.length ? '/' : path.slice(prefix.length)
        exchange.headers.set('x-forwarded-prefix', prefix)
      },
    }
  },
})
