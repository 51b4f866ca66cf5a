import type { TestContext } from 'node:test'
import { CidrSet } from '../../src/core/address.ts'
import type { TurnpikeError } from '../../src/core/error.ts'
import { Ledger } from '../../src/engine/ledger.ts'
import { Listener } from '../../src/engine/listen/listener.ts'
import { realWorld } from '../../src/engine/real-world.ts'
import { Scope } from '../../src/engine/scope.ts'
import type { Session } from '../../src/engine/session.ts'
import { SharedStates } from '../../src/engine/shared-states.ts'
import { TimerWheel } from '../../src/engine/timers.ts'
import { TlsServer, type TlsServerOptions } from '../../src/engine/tls/tls-server.ts'
import type { Socket } from '../../src/engine/world.ts'

/** A listener with TLS that echoes what it gets, and what it saw. */
export interface TlsListener {
  port: number
  tls: TlsServer | null
  ledger: Ledger
  sessions: Session[]
  errors: TurnpikeError[]
  /** Resolves at the next connection that is refused or handed over. */
  next(): Promise<Session | TurnpikeError>
  close(): Promise<void>
}

interface Options {
  tls: TlsServerOptions | null
  handshakeMs?: number
  proxyFrom?: string[]
  headerMs?: number
  states?: SharedStates
}

/** Starts one on the loopback address; the test's end closes it. */
export async function tlsListener(t: TestContext, options: Options): Promise<TlsListener> {
  const world = realWorld()
  const ledger = new Ledger()
  const wheel = new TimerWheel(world, ledger)
  const thrown: unknown[] = []
  const states = options.states ?? new SharedStates()
  const scope = new Scope({ world, ledger, states, onError: (error) => thrown.push(error) })
  const tls = options.tls === null ? null : new TlsServer(options.tls, scope)
  const sessions: Session[] = []
  const errors: TurnpikeError[] = []
  const waiting: ((outcome: Session | TurnpikeError) => void)[] = []
  const tell = (outcome: Session | TurnpikeError): void => {
    for (const waiter of waiting.splice(0)) waiter(outcome)
  }
  const settings = {
    connections: 10_000,
    tls: tls === null ? null : { security: tls, handshakeMs: options.handshakeMs ?? 5_000 },
    proxyProtocol:
      options.proxyFrom === undefined
        ? null
        : { from: new CidrSet(options.proxyFrom), headerMs: options.headerMs ?? 5_000 },
  }
  const listener = new Listener(
    'secure',
    { kind: 'tcp', host: '127.0.0.1', port: 0 },
    settings,
    { world, wheel, ledger },
    {
      connection(socket, session) {
        echo(socket)
        sessions.push(session)
        tell(session)
      },
      refused(error) {
        errors.push(error)
        tell(error)
      },
      failed: (error) => errors.push(error),
      refusal: () => '',
    },
  )
  const bound = await listener.listen()
  const close = async (): Promise<void> => {
    await listener.close()
    await scope.close()
    if (thrown.length > 0) throw new AggregateError(thrown)
  }
  t.after(close)
  return {
    port: bound.kind === 'tcp' ? bound.port : 0,
    tls,
    ledger,
    sessions,
    errors,
    next: () => new Promise((resolve) => waiting.push(resolve)),
    close,
  }
}

function echo(socket: Socket): void {
  socket.on('data', (chunk) => socket.write(chunk))
  socket.on('end', () => socket.end())
  socket.resume()
}
