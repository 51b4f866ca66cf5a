import assert from 'node:assert/strict'
import type { TestGateway } from '../gateway.ts'
import type { Origin } from '../origin.ts'
import type { RawPeer } from '../raw-peer.ts'

export const granted = 'HTTP/1.1 200 Connection established\r\n\r\n'

/** The head of a CONNECT request. */
export function connectHead(authority: string, fields = ''): string {
  return `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${fields}\r\n`
}

/** Takes the grant off what has come. */
export async function takeGrant(client: RawPeer): Promise<void> {
  await client.until(({ text }) => text.includes('\r\n\r\n'), 'an answer to CONNECT')
  assert.equal(client.text.slice(0, granted.length), granted)
  client.text = client.text.slice(granted.length)
}

/** A tunnel to a service of this machine: both of its ends. One at a time. */
export async function openTunnel(
  gateway: TestGateway,
  target: Origin,
  host = '127.0.0.1',
): Promise<{ client: RawPeer; server: RawPeer }> {
  const index = target.connections.length
  const client = await gateway.connect()
  client.send(connectHead(`${host}:${target.port}`))
  await takeGrant(client)
  return { client, server: await target.connection(index) }
}
