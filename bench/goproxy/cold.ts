import { createHash } from 'node:crypto'
import { once } from 'node:events'
import http from 'node:http'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { portOf } from '../../test/support/peers/free-port.ts'
import type { Peer } from '../../test/support/peers/spawn-peer.ts'
import type { Section } from '../section.ts'
import { table } from '../table.ts'
import { atMost } from '../target.ts'
import type { ModuleContender } from './contenders.ts'
import { filePath, LARGE, sha256 } from './tree.ts'

const CLIENTS = 200

/** 200 clients ask for one version that nobody has yet. */
export async function benchCold(contenders: readonly ModuleContender[], tree: string): Promise<Section> {
  const wanted = sha256(readFileSync(path.join(tree, filePath(LARGE, 'zip'))))
  const rows: string[][] = []
  let fetches = 0
  for (const contender of contenders.filter(({ caches }) => caches)) {
    const upstream = await startCounting(tree)
    const peer = await contender.start(tree, upstream.url)
    try {
      const started = performance.now()
      const firstBytes: number[] = []
      const hashes = await Promise.all(
        Array.from({ length: CLIENTS }, () =>
          take(peer, filePath(LARGE, 'zip'), () => firstBytes.push(performance.now() - started)),
        ),
      )
      const seconds = (performance.now() - started) / 1000
      const right = hashes.filter((hash) => hash === wanted).length
      if (contender.name === 'turnpike') fetches = upstream.zips()
      rows.push([
        contender.name,
        String(upstream.zips()),
        `${right} of ${CLIENTS}`,
        (Math.min(...firstBytes) / 1000).toFixed(2),
        seconds.toFixed(1),
      ])
    } finally {
      await peer.stop()
      await upstream.stop()
    }
  }
  return {
    title: 'goproxy: 200 clients ask for one zip of 50 MiB that is not there yet',
    note: 'All at once, each over a connection of its own; SHA-256 of every answer checked.',
    body: table(['', 'fetches from upstream', 'right answers', 'first byte s', 'all answered s'], rows),
    targets: [atMost('goproxy: fetches of one version', fetches, 1, '', 0)],
  }
}

/** An upstream that counts how often a zip is fetched. */
async function startCounting(tree: string): Promise<{ url: string; zips(): number; stop(): Promise<void> }> {
  let zips = 0
  const server = http.createServer((request, response) => {
    const asked = new URL(request.url ?? '/', 'http://upstream').pathname
    if (asked.endsWith('.zip')) zips++
    try {
      const bytes = readFileSync(path.join(tree, path.normalize(asked)))
      response.writeHead(200, { 'content-length': bytes.length })
      response.end(bytes)
    } catch {
      response.writeHead(404, { 'content-type': 'text/plain' })
      response.end('not found\n')
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${portOf(server)}`,
    zips: () => zips,
    async stop() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** The hash of what came, or why nothing whole did. */
export function take({ port }: Peer, asked: string, began: () => void = () => {}): Promise<string> {
  return new Promise((resolve) => {
    const request = http.get({ host: '127.0.0.1', port, path: asked, agent: false }, (reply) => {
      const hash = createHash('sha256')
      reply.once('data', began)
      reply.on('data', (chunk: Buffer) => hash.update(chunk))
      reply.on('end', () =>
        resolve(reply.statusCode === 200 && reply.complete ? hash.digest('hex') : `status ${reply.statusCode}`),
      )
      reply.on('error', (error) => resolve(error.message))
    })
    request.on('error', (error) => resolve(error.message))
  })
}
