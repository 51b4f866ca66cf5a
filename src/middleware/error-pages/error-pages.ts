import type { Exchange } from '../../engine/exchange.ts'
import { defineMiddleware } from '../../engine/middleware/middleware.ts'
import { errorPagesOptions } from './config.ts'
import { PageText } from './page-text.ts'

/** What speaks of the body that is replaced (RFC 9110 §8, §14.4; RFC 6266; RFC 9530). */
const ofBody = [
  'content-encoding',
  'content-language',
  'content-disposition',
  'content-location',
  'content-range',
  'accept-ranges',
  'etag',
  'last-modified',
  'content-md5',
  'content-digest',
  'repr-digest',
]

/** Gives error replies a page of the config's own. */
export const errorPages = defineMiddleware({
  name: 'errorPages',
  options: errorPagesOptions,
  create({ pages, from }, _scope, { services: { requestIds } }) {
    const byStatus = new Map(
      Object.entries(pages).map(([status, { html, json }]) => [
        status,
        { html: html && new PageText(html.text, 'html'), json: json && new PageText(json.text, 'json') },
      ]),
    )
    return {
      response(exchange) {
        const response = exchange.response!
        const { status, headers } = response
        if (status < 400) return
        const own = isOwn(exchange)
        if (from !== 'all' && own !== (from === 'turnpike')) return
        const page = byStatus.get(String(status)) ?? byStatus.get(status < 500 ? '4xx' : '5xx')
        if (page === undefined) return
        const chosen = choose(page, exchange.headers.get('accept') ?? '')
        if (chosen === undefined) return
        for (const name of ofBody) headers.delete(name)
        headers.set('content-type', chosen.type)
        if (page.html !== undefined && page.json !== undefined) headers.append('Vary', 'Accept')
        const code = own ? (exchange.error?.code ?? '') : ''
        const bytes = chosen.filled({
          status: String(status),
          reason: response.reason,
          code,
          requestId: requestIds.of(exchange),
        })
        if (response.hasBody) response.replaceBody(bytes)
        // RFC 9110 §9.3.2: to HEAD the length that GET would have.
        else headers.set('content-length', String(bytes.length))
      },
    }
  },
})

/** Whether Turnpike made the reply: no upstream has begun one, or it failed. */
function isOwn(exchange: Exchange): boolean {
  return exchange.error !== null || exchange.firstByteAt === 0
}

/** Who asks for neither kind by name gets the page for people. */
function choose<T>({ html, json }: { html: T | undefined; json: T | undefined }, accept: string): T | undefined {
  const wantsJson = /application\/(?:[\w.-]+\+)?json/.test(accept)
  if (accept.includes('text/html')) return html ?? (wantsJson ? json : undefined)
  if (wantsJson) return json
  return accept === '' || accept.includes('*/*') ? (html ?? json) : undefined
}
