import { FieldChanges } from '../../core/field-changes.ts'
import type { Exchange } from '../../engine/exchange.ts'
import { defineMiddleware } from '../../engine/middleware/middleware.ts'
import { normaliseLiteral, normalisePath } from '../../policy/normalise-path.ts'
import { stripPrefixOptions } from './config.ts'

/** Takes a prefix off the path that is forwarded; the upstream hears of it by `X-Forwarded-Prefix`. */
export const stripPrefix = defineMiddleware({
  name: 'stripPrefix',
  options: stripPrefixOptions,
  create({ prefix }) {
    const wanted = normaliseLiteral(prefix)
    const named = new FieldChanges({ set: [['X-Forwarded-Prefix', prefix]] })
    const segments = wanted.split('/').length
    return {
      request(exchange) {
        const { path } = exchange
        if (begins(path, wanted)) {
          exchange.path = path.length === wanted.length ? '/' : path.slice(wanted.length)
        } else {
          // The same segments with parameters, or with escapes that mean the same.
          if (!/[;%]/.test(path) || !begins(normalisePath(path).matchPath, wanted)) return
          exchange.path = `/${path.split('/').slice(segments).join('/')}`
        }
        // The word of one in front of this, or of a proxy that is believed.
        const believed = exchange.strippedPrefix !== '' || exchange.session.peerTrusted
        const outer = believed ? outerPrefix(exchange) : ''
        exchange.strippedPrefix = outer + prefix
        if (outer === '') named.apply(exchange.headers)
        else exchange.headers.set('x-forwarded-prefix', outer + prefix)
      },
    }
  },
})

/** W16: at the end of a segment alone. */
function begins(path: string, prefix: string): boolean {
  return path.startsWith(prefix) && (path.length === prefix.length || path.charCodeAt(prefix.length) === SLASH)
}

/** What was stripped before: by another of these, or by a proxy in front that is believed. */
function outerPrefix({ headers }: Exchange): string {
  const outer = headers.get('x-forwarded-prefix')
  return outer !== undefined && /^(?:\/[\w\-.~!$&'()*+,=:@%]+)+$/.test(outer) ? outer : ''
}

const SLASH = 0x2f
