import assert from 'node:assert/strict'
import { connect, type ClientHttp2Session, type ServerHttp2Session } from 'node:http2'
import test from 'node:test'
import { startGateway } from '../support/gateway.ts'
import { startHttp2Endpoint, type Http2Script } from '../support/http2-endpoint.ts'
import { connectRaw } from '../support/raw-client.ts'
import { Random } from '../sim/random.ts'

const EXCHANGES = 600
const CLIENTS = 12

/** Every way in which an endpoint can treat a stream, by chance. */
function misbehaving(random: Random): Http2Script {
  return (stream) => {
    const code = random.between(0, 13)
    const way = random.between(0, 8)
    if (way === 0) stream.close(code)
    else if (way === 1) {
      stream.respond()
      stream.write('x'.repeat(random.between(1, 50_000)))
      setTimeout(() => stream.close(code), random.between(0, 4))
    } else if (way === 2) {
      stream.respond()
      stream.end('early')
    } else if (way === 3) stream.respond({ ':status': 403 }, { endStream: true })
    else if (way > 4) {
      stream.respond()
      stream.pipe(stream)
    }
  }
}

/** Every way in which it can treat a connection. */
function end(session: ServerHttp2Session, random: Random): void {
  if (session.destroyed) return
  const way = random.between(0, 3)
  if (way === 0) session.close()
  else if (way === 1) session.destroy()
  else if (way === 2) session.goaway(2)
  else session.goaway(0, 1)
}

test('W13 whatever clients and endpoints break off, and when, the process lives and nothing is left', async (t) => {
  const random = new Random(7)
  const endpoint = await startHttp2Endpoint(t, misbehaving(random))
  const timeouts = { firstByte: '60ms', stall: '60ms', connect: '300ms' }
  const gateway = await startGateway(t, {
    to: [endpoint.port],
    upstream: { http2: true, timeouts },
    listener: { http2: true },
  })
  const ending = setInterval(() => {
    const session = endpoint.sessions.at(-1)
    if (session !== undefined) end(session, random)
  }, 40)
  t.after(() => clearInterval(ending))
  let begun = 0
  await Promise.all(
    Array.from({ length: CLIENTS }, async (_, at) => {
      while (begun < EXCHANGES) {
        if (at % 2 === 0) {
          begun++
          await overHttp1(gateway.port, random)
        } else begun += await overHttp2(gateway.port, random)
      }
    }),
  )
  await gateway.when(() => gateway.count('exchanges') === 0, 'every exchange to end')
  const causes = new Set(gateway.log.map(({ cause }) => cause))
  for (const cause of [undefined, 'ERR_CLIENT_ABORT', 'ERR_UPSTREAM_CLOSED', 'ERR_UPSTREAM_ABORT'])
    assert.ok(causes.has(cause), `${cause} never happened`)
})

async function overHttp1(port: number, random: Random): Promise<void> {
  const client = await connectRaw(port)
  const head =
    'POST / HTTP/1.1\r\nHost: a.test\r\nConnection: close, te\r\nTE: trailers\r\nTransfer-Encoding: chunked\r\n\r\n'
  client.send(head)
  for (let more = random.between(0, 5); more > 0; more--) {
    const size = random.between(1, 60_000)
    client.send(`${size.toString(16)}\r\n${'z'.repeat(size)}\r\n`)
  }
  if (random.chance(0.7)) client.send('0\r\nX-Sum: 1\r\n\r\n')
  const late = setTimeout(() => client.socket.destroy(), random.between(0, 120))
  await client.until(({ closed, ended }) => closed || ended, 'the end').catch(() => {})
  clearTimeout(late)
  client.socket.destroy()
}

/** Some streams at a time on a connection of its own. */
async function overHttp2(port: number, random: Random): Promise<number> {
  const client = connect(`http://127.0.0.1:${port}`)
  client.on('error', () => {})
  const count = random.between(1, 12)
  await Promise.all(Array.from({ length: count }, () => oneStream(client, random)))
  if (random.chance(0.5)) client.destroy()
  else client.close()
  return count
}

function oneStream(client: ClientHttp2Session, random: Random): Promise<void> {
  return new Promise((resolve) => {
    const stream = client.request({ ':method': 'POST', te: 'trailers' })
    stream.on('error', () => {})
    stream.on('close', resolve)
    stream.resume()
    for (let more = random.between(0, 5); more > 0; more--) stream.write(Buffer.alloc(random.between(1, 60_000)))
    if (random.chance(0.7)) stream.end()
    setTimeout(() => stream.close(random.pick([2, 8])), random.between(0, 100))
  })
}
