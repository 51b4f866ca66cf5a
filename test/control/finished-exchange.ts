import { TurnpikeError } from '../../src/core/error.ts'
import { known } from '../../src/core/header-names.ts'
import { Headers } from '../../src/core/headers.ts'
import type { ClientPort } from '../../src/engine/client-port.ts'
import { Exchange, type Decision, type FailedAttempt } from '../../src/engine/exchange.ts'
import type { Destination } from '../../src/engine/proxy/destination.ts'
import { Session, type TlsFacts } from '../../src/engine/session.ts'
import type { ClientHello } from '../../src/wire/client-hello.ts'

/** What a test wants different from a plain GET that was answered with 200. */
export interface Wanted {
  sequence?: number
  method?: string
  target?: string
  host?: string
  userAgent?: string | null
  listener?: string
  route?: string
  upstream?: string
  endpoint?: string
  status?: number
  error?: TurnpikeError
  attempts?: number
  clientAddress?: string
  peerAddress?: string
  tls?: TlsFacts
  wall?: number
  times?: { connected?: number; firstByte?: number; finished?: number }
  bytesIn?: number
  bytesOut?: number
  user?: string
  queuedMs?: number
  failedAttempts?: FailedAttempt[]
  cache?: string
  decisions?: Decision[]
  destination?: Destination
  hello?: ClientHello
  session?: Session
}

const noClient: ClientPort = {
  worker: null,
  interim() {},
  begin() {},
  flush() {},
  reply() {},
  fail() {},
  takeOver() {
    throw new TurnpikeError('ERR_INTERNAL')
  },
  write: () => true,
  end() {},
  abort() {},
}

export function session(wanted: Wanted = {}): Session {
  return new Session({
    listener: wanted.listener ?? 'web',
    clientAddress: wanted.peerAddress ?? '203.0.113.7',
    clientPort: 40_001,
    peerAddress: wanted.peerAddress ?? '203.0.113.7',
    localAddress: '127.0.0.1',
    localPort: 8080,
    tls: wanted.tls ?? null,
  })
}

/** An exchange as the engine hands it over when it has ended. */
export function finishedExchange(wanted: Wanted = {}): Exchange {
  const owner = wanted.session ?? session(wanted)
  const { userAgent = 'curl/8.5.0', host = 'api.example.com' } = wanted
  const startedAt = 1_000
  const exchange = new Exchange(
    owner,
    noClient,
    {
      method: wanted.method ?? 'GET',
      target: wanted.target ?? '/v1/users/7',
      headers: receivedHeaders(userAgent === null ? '' : `User-Agent: ${userAgent}\r\n`),
      protocol: 'HTTP/1.1',
      versionMinor: 1,
      clientAddress: wanted.clientAddress ?? owner.clientAddress,
      facts: {
        close: false,
        keepAlive: false,
        upgrade: '',
        trailers: false,
        forwarding: 0,
        authority: host,
        host,
        expectsContinue: false,
        userAgent: userAgent ?? '',
        passedHere: false,
        everyday: true,
      },
    },
    wanted.sequence ?? 1,
    startedAt,
    wanted.wall ?? Date.UTC(2026, 10, 22, 8, 50, 39, 123),
  )
  exchange.route = wanted.route ?? 'users'
  exchange.upstream = wanted.upstream ?? 'app'
  exchange.endpoint = wanted.endpoint ?? 'http://127.0.0.1:9001'
  exchange.status = wanted.status ?? 200
  exchange.error = wanted.error ?? null
  exchange.attempts = wanted.attempts ?? 1
  exchange.reused = true
  exchange.user = wanted.user ?? ''
  exchange.queuedMs = wanted.queuedMs ?? 0
  exchange.failedAttempts = wanted.failedAttempts ?? null
  exchange.cache = wanted.cache ?? ''
  exchange.decisions = wanted.decisions ?? null
  exchange.destination = wanted.destination ?? null
  exchange.hello = wanted.hello ?? null
  exchange.bytesIn = wanted.bytesIn ?? 0
  exchange.bytesOut = wanted.bytesOut ?? 1234
  const { connected = 0.25, firstByte = 3.5, finished = 4.75 } = wanted.times ?? {}
  if (connected > 0) exchange.connectedAt = startedAt + connected
  if (firstByte > 0) exchange.firstByteAt = startedAt + firstByte
  exchange.finishedAt = startedAt + finished
  return exchange
}

/** Fields as a parser leaves them: positions in the text of the head. */
function receivedHeaders(lines: string): Headers {
  const colon = lines.indexOf(':')
  return lines === '' ? new Headers() : new Headers(lines, [0, colon, known.userAgent], lines.length)
}
