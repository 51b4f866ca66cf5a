import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { ConfigInput } from '../../src/config/config.ts'
import { freePort } from '../../test/support/peers/free-port.ts'
import { startNginx } from '../../test/support/peers/nginx.ts'
import { peerFolder, spawnPeer, type Peer } from '../../test/support/peers/spawn-peer.ts'
import { builtCommand } from '../contenders/turnpike.ts'
import { pinnedTo, PROXY_CORE } from '../processes.ts'

/** A module proxy, or what serves the same files. */
export interface ModuleContender {
  name: string
  needs: readonly string[]
  /** Whether it keeps what it fetches from the upstream, or has the tree itself. */
  caches: boolean
  start(tree: string, upstream: string): Promise<Peer>
}

const wrapper = pinnedTo(PROXY_CORE)

export const turnpike: ModuleContender = {
  name: 'turnpike',
  needs: [],
  caches: true,
  start: (_tree, upstream) => startTurnpike(upstream),
}

/** The built command with a disk store, access log and admin address. */
export async function startTurnpike(
  upstream: string,
  change: (config: ConfigInput) => ConfigInput = (config) => config,
): Promise<Peer> {
  const folder = peerFolder('turnpike-modules')
  const port = await freePort()
  const config: ConfigInput = {
    listeners: { modules: { address: `127.0.0.1:${port}`, door: 'goproxy', timeouts: { idle: '10m' } } },
    goproxy: {
      chain: upstream,
      sumdb: 'off',
      store: { disk: { path: path.join(folder, 'modules') } },
      limits: { concurrentPerClient: 1000 },
    },
    log: { access: { to: path.join(folder, 'access.log'), format: 'json' }, level: 'info' },
    admin: { address: `127.0.0.1:${await freePort()}` },
  }
  const file = path.join(folder, 'turnpike.json')
  writeFileSync(file, JSON.stringify(change(config)))
  return spawnPeer({
    name: 'turnpike',
    command: [process.execPath, builtCommand, 'run', '--config', file],
    port,
    folder,
    accessLog: 'access.log',
    env: { NODE_ENV: 'production' },
    stopSignal: 'SIGINT',
    wrapper,
  })
}

function nginx(name: string, sendfile: 'on' | 'off'): ModuleContender {
  return {
    name,
    needs: ['nginx'],
    caches: false,
    start: (tree) =>
      startNginx({
        name,
        connections: 20_000,
        wrapper,
        logFormat: '$remote_addr - [$time_local] "$request" $status $body_bytes_sent "$http_user_agent"',
        http: (port) => `
  keepalive_requests 1000000000;
  keepalive_timeout 600s;
  sendfile ${sendfile};
  tcp_nopush on;
  default_type text/plain;
  types { application/json info; application/zip zip; text/plain mod; }
  server {
    listen 127.0.0.1:${port} backlog=8192;
    root ${tree};
  }`,
      }),
  }
}

/** github.com/goproxy/goproxy, the command, from PATH. */
const goproxy: ModuleContender = {
  name: 'goproxy',
  needs: ['goproxy'],
  caches: true,
  async start(_tree, upstream) {
    const folder = peerFolder('goproxy')
    const port = await freePort()
    return spawnPeer({
      name: 'goproxy',
      command: [
        'goproxy',
        'server',
        '--address',
        `127.0.0.1:${port}`,
        '--cacher',
        'dir',
        '--cacher-dir',
        `${folder}/modules`,
      ],
      port,
      folder,
      env: { GOPROXY: upstream, GOSUMDB: 'off', GOFLAGS: '', GOMAXPROCS: '1', HOME: folder },
      wrapper,
    })
  },
}

/** github.com/gomods/athens, the command, from PATH. */
const athens: ModuleContender = {
  name: 'athens',
  needs: ['athens', 'go'],
  caches: true,
  async start(_tree, upstream) {
    const folder = peerFolder('athens')
    const port = await freePort()
    mkdirSync(path.join(folder, 'modules'))
    return spawnPeer({
      name: 'athens',
      command: ['athens'],
      port,
      folder,
      env: {
        ATHENS_PORT: `127.0.0.1:${port}`,
        ATHENS_STORAGE_TYPE: 'disk',
        ATHENS_DISK_STORAGE_ROOT: `${folder}/modules`,
        ATHENS_GO_BINARY_ENV_VARS: `GOPROXY=${upstream};GONOSUMDB=*;GOSUMDB=off`,
        ATHENS_SUM_DBS: '',
        ATHENS_LOG_LEVEL: 'info',
        GOMAXPROCS: '1',
        HOME: folder,
      },
      wrapper,
    })
  },
}

export const moduleContenders: readonly ModuleContender[] = [
  turnpike,
  nginx('nginx', 'on'),
  nginx('nginx-sendfile-off', 'off'),
  goproxy,
  athens,
]
