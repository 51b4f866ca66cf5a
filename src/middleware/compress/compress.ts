import type { Exchange } from '../../engine/exchange.ts'
import { defineMiddleware } from '../../engine/middleware/middleware.ts'
import type { ResponseDraft } from '../../engine/middleware/response-draft.ts'
import { EncodingChoice } from './accept-encoding.ts'
import { createCodec, flushKind } from './codec.ts'
import { CompressionFilter } from './compression-filter.ts'
import { compressOptions } from './config.ts'
import { MediaTypes } from './media-types.ts'

/** Compresses replies for clients that can take it. */
export const compress = defineMiddleware({
  name: 'compress',
  options: compressOptions,
  create({ algorithms, minSize, types, levels, maxStreams }, scope, { name, services }) {
    const { ledger } = services
    const choice = new EncodingChoice(algorithms)
    const compressible = new MediaTypes(types)
    const skipped = services.middlewareEvents.counter(scope, name, 'skipped')
    const closed = (): void => ledger.strike('codecs')
    return {
      response(exchange) {
        const draft = exchange.response!
        if (!mayChange(exchange, draft) || !compressible.has(draft.headers.get('content-type') ?? '')) return
        const { headers } = draft
        const size = exchange.method === 'HEAD' ? Number(headers.get('content-length') ?? -1) : draft.length
        if (size >= 0 && size < minSize) return
        addVary(draft)
        const algorithm = choice.of(exchange.headers.get('accept-encoding') ?? '')
        if (algorithm === null) return
        if (exchange.method === 'HEAD') {
          // RFC 9110 §8.6: not the length that GET would have.
          headers.delete('content-length')
          return
        }
        if (ledger.count('codecs') >= maxStreams) {
          skipped.count++
          return
        }
        headers.append('Content-Encoding', algorithm)
        headers.delete('accept-ranges')
        // RFC 9110 §8.8.1: equal in meaning, no longer byte for byte.
        const tag = headers.get('etag')
        if (tag?.startsWith('"') === true) {
          headers.delete('etag')
          headers.append('ETag', `W/${tag}`)
        }
        draft.filter((next, ready) => {
          ledger.enter('codecs')
          const codec = createCodec(algorithm, levels, size)
          return new CompressionFilter(codec, flushKind[algorithm], next, ready, closed)
        })
      },
    }
  },
})

/** Whether a reply may be sent in another coding than it came in. */
function mayChange({ method, headers: request }: Exchange, { status, headers, hasBody }: ResponseDraft): boolean {
  // RFC 9110 §15.3.7: a part is one of the body as it is.
  if (status === 206 || (!hasBody && !(method === 'HEAD' && status === 200))) return false
  if (headers.has('content-encoding') || headers.has('content-range')) return false
  // RFC 9530: these are over the bytes that the origin sent.
  if (headers.has('content-digest') || headers.has('repr-digest') || headers.has('digest')) return false
  // RFC 9111 §5.2.1.6 and §5.2.2.6
  return !forbidsChange(headers.getAll('cache-control')) && !forbidsChange(request.getAll('cache-control'))
}

function forbidsChange(cacheControl: readonly string[]): boolean {
  return cacheControl.some((value) => /(?:^|,)[ \t]*no-transform[ \t]*(?:,|$)/i.test(value))
}

/** Caches must keep the codings apart, also where none was used (RFC 9110 §12.5.5). */
function addVary({ headers }: ResponseDraft): void {
  const named = headers.getAll('vary').some((value) => /(?:^|,)[ \t]*(?:accept-encoding|\*)[ \t]*(?:,|$)/i.test(value))
  if (!named) headers.append('Vary', 'Accept-Encoding')
}
