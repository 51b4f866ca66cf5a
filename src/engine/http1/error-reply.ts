import type { TurnpikeError } from '../../core/error.ts'
import { Headers } from '../../core/headers.ts'
import { reasonPhrase } from '../../wire/http1/encode.ts'
import { noBody } from '../body.ts'
import type { Exchange, Reply } from '../exchange.ts'
import { grpcMessage, grpcStatus, isGrpc } from '../grpc-status.ts'
import { proxyStatus } from './proxy-status.ts'

/**
 * The HTTP reply for an error: cause code in `Proxy-Status` (RFC 9209) and body, request id, no stack (H23).
 * A gRPC client gets it as one reads errors: status 200 with `grpc-status` and no body, "Trailers-Only".
 */
export function errorReply(error: TurnpikeError, exchange: Exchange, pseudonym: string, requestId: string): Reply {
  const status = error.status === 0 || error.status === 499 ? 500 : error.status
  const headers = Headers.from([
    ['Proxy-Status', proxyStatus(error, pseudonym)],
    ['X-Request-Id', requestId],
    ['Cache-Control', 'no-store'],
  ])
  if (error.allow !== '') headers.append('Allow', error.allow)
  for (const [name, value] of error.fields) headers.append(name, value)
  // To CONNECT a 200 would say that a tunnel stands.
  if (exchange.method !== 'CONNECT' && isGrpc(exchange.headers)) {
    headers.append('Content-Type', 'application/grpc')
    headers.append('Grpc-Status', String(grpcStatus(error)))
    headers.append('Grpc-Message', grpcMessage(`${error.code}: ${error.message}`))
    return { status: 200, headers, body: noBody }
  }
  const [type, text] = page(error, status, exchange.headers.get('accept') ?? '', requestId)
  headers.append('Content-Type', type)
  return { status, headers, body: { kind: 'bytes', bytes: Buffer.from(text, 'utf8') } }
}

function page(error: TurnpikeError, status: number, accept: string, requestId: string): [type: string, text: string] {
  const reason = reasonPhrase(status)
  if (accept.includes('application/json')) {
    const problem = { status, title: reason, code: error.code, detail: error.message, requestId }
    return ['application/json', JSON.stringify(problem) + '\n']
  }
  if (accept.includes('text/html')) {
    return [
      'text/html; charset=utf-8',
      `<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>${status} ${reason}</title>\n` +
        `<style>body{font:16px/1.5 system-ui,sans-serif;max-width:36rem;margin:12vh auto;padding:0 1rem}code{font-size:.9em}</style>\n` +
        `<h1>${status} ${reason}</h1>\n<p>${escapeHtml(error.message)}</p>\n` +
        `<p><code>${error.code}</code> · request <code>${requestId}</code></p>\n</html>\n`,
    ]
  }
  return ['text/plain; charset=utf-8', `${status} ${reason}\n${error.code}: ${error.message}\nrequest ${requestId}\n`]
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
