import path from 'node:path'
import { freePort } from '../../test/support/peers/free-port.ts'
import { peerFolder, spawnPeer } from '../../test/support/peers/spawn-peer.ts'
import type { Contender } from './contender.ts'

function nodePackage(name: string, script: string): Contender {
  return {
    name,
    needs: [],
    routes: false,
    async start({ originPort, tls, wrapper }) {
      const folder = peerFolder(script)
      const port = await freePort()
      const log = path.join(folder, 'access.log')
      const files = tls === null ? [] : [tls.cert, tls.key]
      return spawnPeer({
        name,
        command: [
          process.execPath,
          path.join(import.meta.dirname, `${script}.ts`),
          String(port),
          String(originPort),
          log,
          ...files,
        ],
        port,
        folder,
        accessLog: 'access.log',
        env: { NODE_ENV: 'production' },
        wrapper,
      })
    },
  }
}

export const httpProxy = nodePackage('http-proxy', 'http-proxy-server')
export const fastifyHttpProxy = nodePackage('@fastify/http-proxy', 'fastify-http-proxy-server')
