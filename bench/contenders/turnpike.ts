import { writeFileSync } from 'node:fs'
import path from 'node:path'
import type { ConfigInput } from '../../src/config/config.ts'
import { freePort } from '../../test/support/peers/free-port.ts'
import { peerFolder, spawnPeer, type Peer } from '../../test/support/peers/spawn-peer.ts'
import type { Contender, Setup } from './contender.ts'

/** The built command, as it is installed. */
export const builtCommand = path.resolve(import.meta.dirname, '../../dist/cli/main.js')

export interface TurnpikeVariant {
  nodeFlags?: readonly string[]
  /** Makes another config of the usual one. */
  change?: (config: ConfigInput) => ConfigInput
}

/** The built command with access log, metrics and admin address on. */
export async function startTurnpike(
  { originPort, routes, tls, wrapper }: Setup,
  { nodeFlags = [], change = (config) => config }: TurnpikeVariant = {},
): Promise<Peer> {
  const folder = peerFolder('turnpike')
  const port = await freePort()
  const adminPort = await freePort()
  const config: ConfigInput = {
    listeners: {
      web: {
        address: `127.0.0.1:${port}`,
        door: 'gateway',
        ...(tls === null ? {} : { tls: { certificates: [tls] } }),
        timeouts: { idle: '10m' },
        limits: { connections: 19_000 },
      },
    },
    gateway: {
      routes:
        routes === 0
          ? [{ name: 'all', match: { path: '/**' }, to: 'app' }]
          : Array.from({ length: routes }, (_, index) => ({
              name: `r${index}`,
              match: { path: `/r${index}/**` },
              to: 'app',
            })),
      upstreams: { app: { endpoints: [`http://127.0.0.1:${originPort}`] } },
    },
    log: { access: { to: path.join(folder, 'access.log'), format: 'json' }, level: 'info' },
    admin: { address: `127.0.0.1:${adminPort}` },
  }
  const file = path.join(folder, 'turnpike.json')
  writeFileSync(file, JSON.stringify(change(config)))
  return spawnPeer({
    name: 'turnpike',
    command: [process.execPath, ...nodeFlags, builtCommand, 'run', '--config', file],
    port,
    folder,
    accessLog: 'access.log',
    env: { NODE_ENV: 'production' },
    stopSignal: 'SIGINT',
    wrapper,
  })
}

export const turnpike: Contender = { name: 'turnpike', needs: [], routes: true, start: (setup) => startTurnpike(setup) }
