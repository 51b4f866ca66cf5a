import type { Headers } from '../../core/headers.ts'
import { defineMiddleware } from '../../engine/middleware/middleware.ts'
import { headersOptions, type HeadersOptions } from './config.ts'

/** Sets, adds and removes header fields of requests and replies. */
export const headers = defineMiddleware({
  name: 'headers',
  options: headersOptions,
  create({ request, response }) {
    return {
      request: (exchange) => change(exchange.headers, request),
      response: (exchange) => change(exchange.response!.headers, response),
    }
  },
})

function change(headers: Headers, { remove, set, add }: HeadersOptions['request']): void {
  for (const name of remove) headers.delete(name)
  for (const [name, value] of Object.entries(set)) headers.set(name, value)
  for (const [name, value] of Object.entries(add)) headers.append(name, value)
}
