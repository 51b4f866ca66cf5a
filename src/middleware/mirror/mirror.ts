import { TurnpikeError } from '../../core/error.ts'
import type { Exchange } from '../../engine/exchange.ts'
import { defineMiddleware } from '../../engine/middleware/middleware.ts'
import { mirrorOptions } from './config.ts'
import { Mirrors } from './mirrors.ts'
import { TeeBody } from './tee-body.ts'

/** Copies requests to another upstream. The original neither waits for a copy nor fails with it. */
export const mirror = defineMiddleware({
  name: 'mirror',
  options: mirrorOptions,
  create({ to, share, maxBody, maxInFlight, timeout }, scope, context) {
    const { name, services } = context
    const target = context.upstream(to)
    if (target === undefined)
      throw new TurnpikeError('ERR_CONFIG_REFERENCE', { message: `There is no upstream ${JSON.stringify(to)}.` })
    const counter = (event: string) => services.middlewareEvents.counter(scope, name, event)
    const events = { mirrored: counter('mirrored'), skipped: counter('skipped'), failed: counter('failed') }
    // Copies on their way outlive a reload that keeps the middleware.
    const mirrors = scope.shared(`mirror ${JSON.stringify(name)}`, (own) => own.use(new Mirrors(services, events)))
    const bodies = new WeakMap<Exchange, TeeBody>()
    return {
      request(exchange) {
        // A stream of its own cannot be copied.
        if (exchange.upgrade !== '' || (share < 1 && services.world.random() >= share)) return
        const { body } = exchange
        if (mirrors.size >= maxInFlight || (body !== null && body.length > maxBody)) {
          events.skipped.count++
          return
        }
        const copy = mirrors.prepare(exchange, timeout)
        if (body === null) {
          mirrors.send(copy, null, target)
          return
        }
        const tee = new TeeBody(body, maxBody, (bytes) => {
          if (bytes === null) copy.cut()
          // Unless its time was over before the body was there.
          else if (!copy.over) mirrors.send(copy, bytes, target)
        })
        bodies.set(exchange, tee)
        exchange.body = tee
      },
      finish: (exchange) => bodies.get(exchange)?.giveUp(),
    }
  },
})
