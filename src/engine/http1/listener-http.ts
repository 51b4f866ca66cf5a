import type { z } from 'zod'
import type { HeadLimits } from '../../wire/http1/head-parser.ts'
import type { listenerSchema } from '../config.ts'
import type { Http1ServerOptions } from './http1-server-connection.ts'

export type HttpListenerConfig = Pick<z.output<typeof listenerSchema>, 'timeouts' | 'limits'>

/** What a listener's config says of the HTTP on its connections. */
export function listenerHttp({ timeouts, limits }: HttpListenerConfig): {
  timeouts: Http1ServerOptions['timeouts']
  limits: HeadLimits
} {
  const { bodyProgress } = timeouts
  return {
    timeouts: {
      headMs: timeouts.head,
      idleMs: timeouts.idle,
      bodyProgress: bodyProgress === null ? null : { bytes: bodyProgress.bytes, windowMs: bodyProgress.perMs },
      stallMs: timeouts.stall,
    },
    limits: { headBytes: limits.headSize, headerCount: limits.headerCount, targetBytes: limits.targetSize },
  }
}
