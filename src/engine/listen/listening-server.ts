import { lstatSync, unlinkSync } from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
import { LinuxSockets } from '../original-destination/linux-sockets.ts'
import type { Descriptors } from './descriptors.ts'
import type { BindAddress, ListenEvents, ListeningSocket } from '../world.ts'

type TcpAddress = Extract<BindAddress, { kind: 'tcp' }>

const REPORT_EVERY_MS = 1_000

/** A bound address on node:net. */
export class ListeningServer implements ListeningSocket {
  private readonly server: Server
  private readonly bindTo: BindAddress
  private readonly events: ListenEvents
  private readonly descriptors: Descriptors
  private closed = false
  private replaced = false
  private reportedAt = -Infinity

  constructor(address: BindAddress, events: ListenEvents, descriptors: Descriptors) {
    this.bindTo = address
    this.events = events
    this.descriptors = descriptors
    this.server = createServer({ allowHalfOpen: true, noDelay: true })
    this.server.on('connection', (socket) => {
      const scarce = this.descriptors.scarce()
      this.events.accept(socket, scarce)
      if (scarce) this.reportScarcity()
    })
    this.server.on('listening', () => {
      if (this.closed) this.server.close()
      else this.events.ready()
    })
    this.server.on('error', (error) => {
      if (!this.closed) this.bindFailed(error)
    })
    this.bind()
  }

  address(): BindAddress {
    const bound = this.server.address()
    if (bound === null || typeof bound === 'string' || this.bindTo.kind === 'unix') return this.bindTo
    return { ...this.bindTo, host: bound.address, port: bound.port }
  }

  /** A Unix socket's file goes with it. */
  close(done: () => void): void {
    this.closed = true
    // Node calls back only when the last connection has ended; the address is free at once.
    if (this.server.listening) this.server.close()
    done()
  }

  private bind(): void {
    const to = this.bindTo
    if (to.kind === 'unix') this.server.listen({ path: to.path })
    else if (to.captures !== undefined) this.capture(to)
    else this.bindTcp(to)
  }

  private bindTcp(to: TcpAddress): void {
    this.server.listen({
      ...(to.host === '' ? {} : { host: to.host }),
      port: to.port,
      ...(to.backlog === undefined ? {} : { backlog: to.backlog }),
      ...(to.reusePort === undefined ? {} : { reusePort: to.reusePort }),
    })
  }

  /** Says now what would be missing at the first connection. */
  private capture(to: TcpAddress): void {
    try {
      const sockets = LinuxSockets.open()
      if (to.captures === 'redirect') this.bindTcp(to)
      else
        this.server.listen({
          fd: sockets.transparentListener({ address: to.host === '' ? '::' : to.host, port: to.port }),
        })
    } catch (error) {
      const failure = error instanceof Error ? error : new Error(String(error))
      process.nextTick(() => this.events.failed(failure))
    }
  }

  private bindFailed(error: Error): void {
    const to = this.bindTo
    const inUse = (error as NodeJS.ErrnoException).code === 'EADDRINUSE'
    if (to.kind === 'tcp' || !inUse || this.replaced || !isSocketFile(to.path)) return this.events.failed(error)
    this.replaced = true
    // A file that a killed process left: bind again only if nothing answers on it.
    const probe = connect({ path: to.path })
    probe.on('connect', () => {
      probe.destroy()
      this.events.failed(error)
    })
    probe.on('error', (refused) => {
      if ((refused as NodeJS.ErrnoException).code !== 'ECONNREFUSED') return this.events.failed(error)
      if (this.closed) return
      unlinkSync(to.path)
      this.bind()
    })
  }

  private reportScarcity(): void {
    const now = performance.now()
    if (now - this.reportedAt < REPORT_EVERY_MS) return
    this.reportedAt = now
    this.events.failed(Object.assign(new Error('file descriptors are running out'), { code: 'EMFILE' }))
  }
}

function isSocketFile(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSocket() ?? false
}
