/**
 * The one seam between the engine and everything it cannot compute: time, sockets, names, chance.
 * `realWorld` satisfies it with node:net and the clock; a simulated world drives the same code from a seed.
 */
export interface World {
  /** Milliseconds on a clock that never goes back. */
  now(): number
  /** Milliseconds since 1970, for dates and logs alone. */
  wallClock(): number
  /** Runs once, not before `delayMs`; never keeps the process alive. */
  setTimer(run: () => void, delayMs: number): TimerHandle
  /** Runs once, after sockets that are readable now were read. */
  soon(run: () => void): void
  /** From 0 up to 1. */
  random(): number
  /** Binds an address; `ready` or `failed` is called once, `accept` for each connection, unread. */
  listen(address: BindAddress, events: ListenEvents): ListeningSocket
  /** Starts connecting to an address (never a name). Bytes arrive through `events`. */
  dial(address: DialAddress, events: DialEvents): Socket
  /** Binds a UDP socket to an address of this machine; '0.0.0.0' and '::' are every one of their family. */
  bindUdp(address: UdpAddress, events: UdpEvents): UdpSocket
  /** Where an accepted connection was going when a REDIRECT rule took it. Throws ERR_ORIGINAL_DESTINATION. */
  originalDestination(socket: Socket): { address: string; port: number }
  /** Every address of a name, as this machine resolves names. */
  resolve(name: string, done: (error: Error | null, addresses: ResolvedAddress[]) => void): void
}

export interface TimerHandle {
  cancel(): void
}

/** Host '' is every address of the machine. */
export type BindAddress =
  | {
      kind: 'tcp'
      host: string
      port: number
      backlog?: number
      reusePort?: boolean
      /** Takes connections that the system captures: those of a REDIRECT rule, or of a TPROXY one (Linux). */
      captures?: 'redirect' | 'tproxy'
    }
  | { kind: 'unix'; path: string }

export type DialAddress = { kind: 'tcp'; host: string; port: number } | { kind: 'unix'; path: string }

export interface ResolvedAddress {
  address: string
  family: 4 | 6
}

/** An IPv4 or IPv6 address, never a name. */
export interface UdpAddress {
  address: string
  port: number
}

export interface UdpEvents {
  /** It is bound; called once, and nothing after `failed`. */
  ready(): void
  /** Binding failed, or the socket did later: it is closed. */
  failed(error: Error): void
  /** A datagram came. Its memory is the reader's. */
  received(data: Buffer, from: UdpAddress): void
}

export interface UdpSocket {
  /** What was bound: with the real port where 0 was asked for. */
  address(): UdpAddress
  /** Bytes that wait to be sent. */
  readonly queuedBytes: number
  /** Sends the parts as one datagram. `failed`: the system does not take it. */
  send(parts: readonly Uint8Array[], to: UdpAddress, failed: (error: Error) => void): void
  /** Nothing is called any more. */
  close(): void
}

export interface ListenEvents {
  ready(): void
  /** Binding failed, or accepting failed for now (out of descriptors). */
  failed(error: Error): void
  /** `scarce`: so few descriptors are left that the connection should be refused. */
  accept(socket: Socket, scarce?: boolean): void
}

export interface ListeningSocket {
  /** What was bound: with the real port where 0 was asked for. */
  address(): BindAddress
  /** Accepts no more; connections live on. `done` when the address is free. */
  close(done: () => void): void
}

/**
 * Bytes from a dialled socket. The buffer belongs to the reader only until `read` returns, unless it
 * is one that the reader itself gave by `nextBuffer`: then it is read into again only if given again.
 */
export interface DialEvents {
  connected(): void
  /** `length` bytes at the start of `buffer`. Return false to stop reading until `socket.resume()`. */
  read(length: number, buffer: Buffer): boolean
  /** Asked after each `read`: the reader's own buffer for the next read; null for the one that all sockets share. */
  nextBuffer(): Buffer | null
  /** The other side ended its direction. */
  ended(): void
  failed(error: Error): void
  closed(): void
}

/** What the engine needs of a byte stream. `net.Socket` and `tls.TLSSocket` satisfy it as they are. */
export interface Socket {
  readonly writableLength: number
  /** `end` was called. */
  readonly writableEnded: boolean
  readonly destroyed: boolean
  readonly remoteAddress?: string | undefined
  readonly remotePort?: number | undefined
  readonly localAddress?: string | undefined
  readonly localPort?: number | undefined
  write(data: string, encoding: 'latin1', written?: () => void): boolean
  write(data: Uint8Array, written?: () => void): boolean
  cork(): void
  uncork(): void
  /** Ends this direction once everything written has left. */
  end(): unknown
  destroy(error?: Error): unknown
  /** Closes with a reset, so that the peer cannot take what it got for complete. */
  resetAndDestroy(): unknown
  pause(): unknown
  resume(): unknown
  setNoDelay(on: boolean): unknown
  /** A chunk is its reader's, which may free its memory. */
  on(event: 'data', listener: (chunk: Buffer) => void): unknown
  on(event: 'end' | 'close' | 'drain' | 'connect', listener: () => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
  off(event: 'data', listener: (chunk: Buffer) => void): unknown
  off(event: 'end' | 'close' | 'drain' | 'connect', listener: () => void): unknown
  off(event: 'error', listener: (error: Error) => void): unknown
  /** Puts bytes back in front of what was not read yet. */
  unshift(chunk: Uint8Array): void
}
