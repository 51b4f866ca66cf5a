import type { TurnpikeError } from '../../../core/error.ts'
import { Headers } from '../../../core/headers.ts'
import type { Exchange, Reply } from '../../../engine/exchange.ts'
import { proxyStatus } from '../../../engine/http1/proxy-status.ts'
import type { EngineServices } from '../../../engine/services.ts'
import { errorText } from './error-text.ts'

/** The reply for an error: whatever the client accepts, plain text as the go command shows it (G8). */
export function moduleErrorReply(
  error: TurnpikeError,
  exchange: Exchange,
  { pseudonym, requestIds }: Pick<EngineServices, 'pseudonym' | 'requestIds'>,
): Reply {
  const id = requestIds.of(exchange)
  const headers = Headers.from([
    ['Content-Type', 'text/plain; charset=utf-8'],
    ['Proxy-Status', proxyStatus(error, pseudonym)],
    ['X-Request-Id', id],
    ['Cache-Control', 'no-store'],
  ])
  if (error.allow !== '') headers.append('Allow', error.allow)
  for (const [name, value] of error.fields) headers.append(name, value)
  // G9: what has no status of its own is a fault of ours, never "does not exist".
  const status = error.status === 0 || error.status === 499 ? 500 : error.status
  return { status, headers, body: { kind: 'bytes', bytes: Buffer.from(errorText(error, id)) } }
}
