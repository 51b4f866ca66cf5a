import { FieldChanges } from '../../core/field-changes.ts'
import { defineMiddleware } from '../../engine/middleware/middleware.ts'
import { headersOptions, type HeadersOptions } from './config.ts'

/** Sets, adds and removes header fields of requests and replies. */
export const headers = defineMiddleware({
  name: 'headers',
  options: headersOptions,
  create(options) {
    const request = changesOf(options.request)
    const response = changesOf(options.response)
    return {
      ...(!request.empty && { request: (exchange) => request.apply(exchange.headers) }),
      ...(!response.empty && { response: (exchange) => response.apply(exchange.response!.headers) }),
    }
  },
})

function changesOf({ remove, set, add }: HeadersOptions['request']): FieldChanges {
  return new FieldChanges({ remove, set: Object.entries(set), add: Object.entries(add) })
}
