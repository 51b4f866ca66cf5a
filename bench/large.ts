import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import http from 'node:http'
import { portOf } from '../test/support/peers/free-port.ts'
import { turnpike } from './contenders/turnpike.ts'
import { peakResidentBytes, pinnedTo, PROXY_CORE } from './processes.ts'
import type { Section } from './section.ts'
import { table } from './table.ts'
import { atMost } from './target.ts'

const GIGABYTE = 1_000_000_000
const MEGABYTE = 1024 * 1024
const block = randomBytes(1_000_000)

/** Writes the gigabyte; returns when all of it is on its way. */
async function produce(sink: http.ClientRequest | http.ServerResponse): Promise<void> {
  for (let sent = 0; sent < GIGABYTE; sent += block.length) if (!sink.write(block)) await once(sink, 'drain')
  sink.end()
}

/** Reads to the end; length and hash of what came. */
async function consume(source: http.IncomingMessage): Promise<string> {
  const hash = createHash('sha256')
  let length = 0
  for await (const chunk of source as AsyncIterable<Buffer>) {
    hash.update(chunk)
    length += chunk.length
  }
  return `${length} ${hash.digest('hex')}`
}

/** One gigabyte up and one down through Turnpike, every byte checked, with the most memory it ever had. */
export async function* benchLarge(): AsyncGenerator<Section> {
  const hash = createHash('sha256')
  for (let sent = 0; sent < GIGABYTE; sent += block.length) hash.update(block)
  const expected = `${GIGABYTE} ${hash.digest('hex')}`

  let received = ''
  const receive = async (request: http.IncomingMessage, response: http.ServerResponse): Promise<void> => {
    received = await consume(request)
    response.end('ok')
  }
  const origin = http.createServer((request, response) => {
    if (request.method === 'GET') {
      response.writeHead(200, { 'content-length': GIGABYTE })
      produce(response).catch((error: unknown) => response.destroy(error instanceof Error ? error : undefined))
      return
    }
    receive(request, response).catch(() => response.destroy())
  })
  origin.requestTimeout = 0
  origin.listen(0, '127.0.0.1')
  await once(origin, 'listening')
  const peer = await turnpike.start({ originPort: portOf(origin), routes: 0, tls: null, wrapper: pinnedTo(PROXY_CORE) })
  try {
    const common = { host: '127.0.0.1', port: peer.port, agent: false, path: '/' } as const
    const atRest = peakResidentBytes(peer.pid)

    const upStarted = performance.now()
    const up = http.request({ ...common, method: 'POST', headers: { 'content-length': GIGABYTE } })
    const upReply = once(up, 'response')
    await produce(up)
    const [reply]: http.IncomingMessage[] = await upReply
    await consume(reply!)
    const upSeconds = (performance.now() - upStarted) / 1000
    const afterUp = peakResidentBytes(peer.pid)
    if (reply!.statusCode !== 200 || received !== expected) throw new Error(`upload: ${reply!.statusCode} ${received}`)

    const downStarted = performance.now()
    const down = http.get(common)
    const [download]: http.IncomingMessage[] = await once(down, 'response')
    const got = await consume(download!)
    const downSeconds = (performance.now() - downStarted) / 1000
    if (download!.statusCode !== 200 || got !== expected) throw new Error(`download: ${download!.statusCode} ${got}`)
    const peak = peakResidentBytes(peer.pid)

    const rate = (seconds: number): string => (GIGABYTE / 1e6 / seconds).toFixed(0)
    const megabytes = (bytes: number): string => (bytes / MEGABYTE).toFixed(0)
    yield {
      title: 'large: 1 GB up, then 1 GB down',
      note: "Length and SHA-256 of every byte checked; the process's highest resident memory ever (VmHWM). Client and origin are Node in one process and are what limits the speed.",
      body: table(
        ['', 'MB/s', 'peak resident MB'],
        [
          ['at rest', '', megabytes(atRest)],
          ['upload', rate(upSeconds), megabytes(afterUp)],
          ['download', rate(downSeconds), megabytes(peak)],
        ],
      ),
      targets: [atMost('large: peak resident memory', peak / MEGABYTE, 150, ' MB', 0)],
    }
  } finally {
    await peer.stop()
    origin.close()
    origin.closeAllConnections()
  }
}
