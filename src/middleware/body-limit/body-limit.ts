import { TurnpikeError } from '../../core/error.ts'
import { defineMiddleware } from '../../engine/middleware/middleware.ts'
import { bodyLimitOptions } from './config.ts'
import { LimitedBody } from './limited-body.ts'

/** Refuses request bodies above a size: at once where it is announced, else when that many bytes have come. */
export const bodyLimit = defineMiddleware({
  name: 'bodyLimit',
  options: bodyLimitOptions,
  create({ size }) {
    return {
      request(exchange) {
        const { body } = exchange
        if (body === null || (body.length >= 0 && body.length <= size)) return
        // RFC 9110 §15.5.14. Of a body that waits for 100 nothing was sent, and nothing will be (§10.1.1).
        if (body.length >= 0) throw new TurnpikeError('ERR_BODY_TOO_LARGE', { phase: 'middleware' })
        exchange.body = new LimitedBody(body, size, (error) => {
          const { client } = exchange
          const { worker } = client
          // First, so that it does not fail the exchange itself when its request breaks off.
          client.worker = null
          worker?.clientGone(error)
          body.cancel(error)
          exchange.fail(error)
        })
      },
    }
  },
})
