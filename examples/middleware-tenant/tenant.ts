import { defineMiddleware, textReply } from 'turnpike'
import { z } from 'zod'
import { hostLabel } from './host-label.ts'

/** Tells the service which tenant a request is for, and keeps out those that are suspended. */
export default defineMiddleware({
  name: 'tenant',

  // Checked with the config: an unknown key or a wrong value is an error there, with its line and column.
  options: z.strictObject({
    domain: z.string(),
    tenants: z.record(z.string(), z.enum(['active', 'suspended'])),
    header: z.string().default('x-tenant'),
  }),

  // Called once for each generation of the config. What goes on by itself is started through `scope`, and ends with it.
  create({ domain, tenants, header }, scope, { name }) {
    const served = scope.shared(`${name} served`, () => new Map<string, number>()) // outlives a reload
    return {
      // On the way in: return nothing to go on, a reply to answer here, or a promise of either.
      request(exchange) {
        const tenant = hostLabel(exchange.host, domain)
        if (!Object.hasOwn(tenants, tenant)) return textReply(404, 'There is no such tenant.\n')
        if (tenants[tenant] === 'suspended') return textReply(403, 'This tenant is suspended.\n')
        exchange.headers.set(header, tenant) // in place of what the client may have sent
        served.set(tenant, (served.get(tenant) ?? 0) + 1)
        return undefined
      },

      // On the way out, whoever made the reply: change its head, or its body.
      response({ headers, response }) {
        const tenant = headers.get(header)
        if (tenant !== undefined) response?.headers.append('X-Served', String(served.get(tenant)))
      },
    }
  },
})
