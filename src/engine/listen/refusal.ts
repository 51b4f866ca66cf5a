import type { TurnpikeError } from '../../core/error.ts'
import { statusLine } from '../../wire/http1/encode.ts'
import { proxyStatus } from '../http1/proxy-status.ts'

/** The whole reply to a connection that is refused before a request was read. */
export function refusalText(error: TurnpikeError, pseudonym: string, date: string): string {
  const body = `${error.code}: ${error.message}\n`
  return (
    `${statusLine(error.status, '')}Date: ${date}\r\nConnection: close\r\nContent-Type: text/plain\r\n` +
    `Content-Length: ${body.length}\r\nRetry-After: 1\r\n` +
    `Proxy-Status: ${proxyStatus(error, pseudonym)}\r\n\r\n${body}`
  )
}
