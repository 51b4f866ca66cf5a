import { TurnpikeError } from '../../core/error.ts'
import { readProxyHeader, type ProxyHeader } from '../../wire/proxy-protocol.ts'
import type { Socket } from '../world.ts'

/** One of the two is called once; neither where the connection closes before, which the caller sees itself. */
export interface ProxyHeaderEvents {
  /** The socket is paused, with what follows the header put back. */
  taken(header: ProxyHeader): void
  failed(error: TurnpikeError): void
}

/** Takes the PROXY protocol header off the front of a connection. Time is the caller's to limit. */
export function takeProxyHeader(socket: Socket, events: ProxyHeaderEvents): void {
  let received: Buffer = Buffer.alloc(0)
  const take = (chunk: Buffer): void => {
    received = received.length === 0 ? chunk : Buffer.concat([received, chunk])
    const reading = readProxyHeader(received)
    if ('fault' in reading) return fail(reading.fault)
    if (!reading.done) return
    settle()
    if (received.length > reading.bytes) socket.unshift(received.subarray(reading.bytes))
    events.taken(reading)
  }
  const ended = (): void => fail('the connection ended within it')
  const settle = (): void => {
    socket.off('data', take)
    socket.off('end', ended)
    socket.pause()
  }
  const fail = (why: string): void => {
    settle()
    events.failed(
      new TurnpikeError('ERR_PROXY_PROTOCOL', { message: `The PROXY protocol header is not valid: ${why}.` }),
    )
  }
  socket.on('data', take)
  socket.on('end', ended)
  socket.resume()
}
