import { z } from 'zod'
import { adminSchema, logSchema } from '../control/config.ts'
import { cidrs, count, duration, offOr, parsed, positiveDuration } from '../core/config-fields.ts'
import { routeSchema, streamSchema } from '../doors/gateway/config.ts'
import { forwardRuleSchema, forwardSchema } from '../doors/forward/config.ts'
import { goproxySchema } from '../doors/goproxy/config.ts'
import { parentSchema } from '../engine/dial/config.ts'
import { listenerSchema } from '../engine/config.ts'
import { loginOrOff } from '../core/login-schema.ts'
import { upstreamSchema } from '../upstream/config.ts'
import { middlewareSchema, useSchema } from './middleware-schemas.ts'

const name = parsed('a name', (text) => {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/.test(text)) return text
  throw new RangeError(`${JSON.stringify(text)} is not a name: use letters, digits, ".", "_" and "-", 63 at most`)
})

const pseudonym = parsed('a pseudonym', (text) => {
  // RFC 9110 §7.6.3: received-by is a host or a token.
  if (/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(text)) return text
  throw new RangeError(`${JSON.stringify(text)} is not a token: use letters, digits, ".", "_" and "-"`)
})

export const routeEntry = routeSchema.extend({
  use: useSchema.describe('Middleware for this route, behind that of the gateway.'),
})

const goproxy = goproxySchema.extend({
  use: useSchema.describe('Middleware for every request to the module proxy, behind that of the listener.'),
})

const forward = forwardSchema.extend({
  use: useSchema.describe('Middleware for every request and tunnel, behind that of the listener.'),
  rules: z
    .array(
      forwardRuleSchema.extend({ use: useSchema.describe('Middleware for what it matches, behind that of the door.') }),
    )
    .prefault([])
    .describe('What is done with what; the first match decides.'),
})

const gateway = z.strictObject({
  use: useSchema.describe('Middleware for every route, behind that of the listener.'),
  routes: z
    .array(routeEntry)
    .describe(
      'Routes; their order does not matter, the most specific wins. Without any, every request is answered 404.',
    ),
  streams: z
    .array(streamSchema)
    .prefault([])
    .describe('TLS that is passed on as it is, by the name in its ClientHello; the first match takes it.'),
  upstreams: z.record(name, upstreamSchema).prefault({}).describe('Clusters of endpoints, by name.'),
})

/** The whole config. What users type is its input; `Config` is its output. */
export const configSchema = z.strictObject({
  $schema: z.string().optional().describe('Where an editor finds the JSON Schema.'),
  listeners: z
    .record(
      name,
      listenerSchema.extend({
        auth: loginOrOff()
          .optional()
          .describe('How its clients say who they are, in place of `forward.auth`. For `door: forward`.'),
        use: useSchema.describe('Middleware for all that comes in here.'),
      }),
    )
    .describe('Addresses that are listened on, by name.'),
  trustedProxies: cidrs()
    .prefault([])
    .describe('Peers whose `X-Forwarded-*` and `Forwarded` are believed and extended; those of others are replaced.'),
  via: offOr(pseudonym, 'a pseudonym')
    .prefault('auto')
    .describe('Name in the `Via` fields: `auto` makes one at start, `off` sends none.'),
  middlewares: z
    .record(name, middlewareSchema)
    .prefault({})
    .describe('Middleware by name, for the `use` lists of listeners, doors and routes.'),
  gateway: gateway.optional().describe('The gateway door. Needed by listeners with `door: gateway`.'),
  log: logSchema.prefault({}).describe('What is written down.'),
  shutdown: z
    .strictObject({
      wait: duration()
        .prefault('0s')
        .describe('How long connections are still accepted after a stop is asked for, while `/ready` fails already.'),
      drain: positiveDuration()
        .prefault('30s')
        .describe('How long open requests may go on after that, and on routes that a reload takes away.'),
    })
    .prefault({})
    .describe('How the process ends.'),
  admin: adminSchema.prefault({ address: '127.0.0.1:9900' }).describe('The admin address, or `off`.'),
  parents: z
    .record(name, parentSchema)
    .prefault({})
    .describe('Other proxies to go through, by name: upstreams and the module proxy can name them.'),
  forward: forward.optional().describe('The forward proxy. Needed by listeners with `door: forward`.'),
  goproxy: goproxy
    .optional()
    .describe('The module proxy. Needed by listeners with `door: goproxy` and routes `to: { goproxy }`.'),
  liveness: z
    .strictObject({
      period: positiveDuration().prefault('10s').describe('From one liveness probe to the next.'),
      timeout: positiveDuration().prefault('1s').describe('For one of them.'),
      failures: count(1, 1000).default(3).describe('How many in a row must fail until the process is killed.'),
    })
    .optional()
    .describe(
      'What an orchestrator does to this process, for the arithmetic of `check`; nothing is done with it otherwise.',
    ),
})
