import { defineMiddleware } from 'turnpike'
import { z } from 'zod'

/** Tells the service which tenant a request is for: the first label of its host. */
export default defineMiddleware({
  name: 'tenant',
  options: z.strictObject({ header: z.string().default('x-tenant') }),
  create: ({ header }) => ({
    request(exchange) {
      exchange.headers.set(header, exchange.host.split('.', 1)[0]!)
    },
  }),
})
