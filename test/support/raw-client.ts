import { once } from 'node:events'
import { connect } from 'node:net'
import type { Message } from './message.ts'
import { RawPeer } from './raw-peer.ts'

/** A plain connection to a port of this machine, established. It does not end because the other side did. */
export async function connectRaw(port: number): Promise<RawPeer> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
  const peer = new RawPeer(socket)
  await once(socket, 'connect')
  return peer
}

/** Sends bytes on a connection of their own, and returns the final reply to them; the connection is closed. */
export async function ask(port: number, bytes: string | Buffer, method = 'GET'): Promise<Message> {
  const client = await connectRaw(port)
  try {
    client.send(bytes)
    for (;;) {
      const reply = await client.reply(method)
      if (reply.status >= 200) return reply
    }
  } finally {
    client.socket.destroy()
  }
}

/** A request with a Host and whatever fields and body are given. */
export function get(fields = '', path = '/'): string {
  return `GET ${path} HTTP/1.1\r\nHost: a.test\r\n${fields}\r\n`
}

/** A POST with a body of known length. */
export function post(body: string, fields = '', path = '/'): string {
  return `POST ${path} HTTP/1.1\r\nHost: a.test\r\nContent-Length: ${body.length}\r\n${fields}\r\n${body}`
}
