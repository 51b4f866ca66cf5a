import { chmodSync, existsSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { ConfigInput } from '../../src/config/config.ts'
import { freePort } from '../../test/support/peers/free-port.ts'
import { startHaproxy } from '../../test/support/peers/haproxy.ts'
import { startNginx } from '../../test/support/peers/nginx.ts'
import { peerFolder, spawnPeer, type Peer } from '../../test/support/peers/spawn-peer.ts'
import { builtCommand } from '../contenders/turnpike.ts'
import type { Via } from '../load/tunnels.ts'
import { pinnedTo, PROXY_CORE } from '../processes.ts'

/** What a proxy is asked for. */
export interface ForwardSetup {
  /** Where those go that know their target. */
  targetPort: number
  /** Intercepts with the authority in this folder; null: does not. */
  authority: string | null
}

/** A proxy that tunnels, or that forwards plain requests, or that intercepts. */
export interface ForwardContender {
  name: string
  needs: readonly string[]
  via: Via
  /** Answers plain requests by HTTP/1.0, a connection each. Default: false. */
  closes?: boolean
  /** In what it takes part. */
  does: readonly ('relay' | 'open' | 'plain' | 'intercept' | 'idle')[]
  start(setup: ForwardSetup): Promise<Peer>
}

const wrapper = pinnedTo(PROXY_CORE)

/** The built command with access log, metrics and admin address on. */
export async function startTurnpike({ authority }: ForwardSetup): Promise<Peer> {
  const folder = peerFolder('turnpike-forward')
  const port = await freePort()
  const config: ConfigInput = {
    listeners: {
      egress: {
        address: `127.0.0.1:${port}`,
        door: 'forward',
        timeouts: { idle: '10m' },
        limits: { connections: 19_000 },
      },
    },
    forward: {
      auth: 'off',
      connectPorts: 'any',
      guard: { allow: ['127.0.0.0/8'] },
      limits: { connectionsPerClient: 20_000 },
      ...(authority !== null && {
        rules: [{ intercept: true }],
        intercept: { authority, upstreamTls: { verify: false } },
      }),
    },
    log: { access: { to: path.join(folder, 'access.log'), format: 'json' }, level: 'info' },
    admin: { address: `127.0.0.1:${await freePort()}` },
  }
  const file = path.join(folder, 'turnpike.json')
  writeFileSync(file, JSON.stringify(config))
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

/** Where Debian has it; others have it built in. */
const streamModule = '/usr/lib/nginx/modules/ngx_stream_module.so'

const nginx: ForwardContender = {
  name: 'nginx stream',
  needs: ['nginx'],
  via: 'plain',
  does: ['relay', 'open', 'idle'],
  start: ({ targetPort }) =>
    startNginx({
      name: 'nginx-stream',
      connections: 20_000,
      wrapper,
      http: () => '',
      main: `worker_processes 1;
${existsSync(streamModule) ? `load_module ${streamModule};` : ''}`,
      behind: (port, folder) => `stream {
  log_format line '$remote_addr [$time_local] $status $bytes_sent $bytes_received $session_time';
  access_log ${folder}/access.log line;
  server {
    listen 127.0.0.1:${port} backlog=8192;
    proxy_pass 127.0.0.1:${targetPort};
    proxy_timeout 10m;
  }
}`,
    }),
}

function haproxy(name: string, options: string): ForwardContender {
  return {
    name,
    needs: ['haproxy'],
    via: 'plain',
    does: ['relay', 'open', 'idle'],
    start: ({ targetPort }) =>
      startHaproxy({
        wrapper,
        sections: (port) => `  mode tcp
  option tcplog
  timeout client 600s
  timeout server 600s
  ${options}
listen in
  bind 127.0.0.1:${port} backlog 8192
  maxconn 19000
  server target 127.0.0.1:${targetPort}
`,
      }),
  }
}

const tinyproxy: ForwardContender = {
  name: 'tinyproxy',
  needs: ['tinyproxy'],
  via: 'connect',
  closes: true,
  does: ['relay', 'open', 'plain', 'idle'],
  async start() {
    const folder = peerFolder('tinyproxy')
    const port = await freePort()
    writeFileSync(
      path.join(folder, 'tinyproxy.conf'),
      `Port ${port}
Listen 127.0.0.1
Timeout 600
LogFile "${folder}/access.log"
LogLevel Connect
MaxClients 6000
Allow 127.0.0.1
`,
    )
    return spawnPeer({
      name: 'tinyproxy',
      command: ['tinyproxy', '-d', '-c', path.join(folder, 'tinyproxy.conf')],
      port,
      folder,
      accessLog: 'access.log',
      wrapper,
    })
  },
}

/** Started by root it goes on as a user of its own: its log is where that one may write. */
const squid: ForwardContender = {
  name: 'squid',
  needs: ['squid'],
  via: 'connect',
  does: ['relay', 'open', 'plain', 'idle'],
  async start() {
    const folder = peerFolder('squid')
    chmodSync(folder, 0o777)
    const port = await freePort()
    writeFileSync(
      path.join(folder, 'squid.conf'),
      `http_port 127.0.0.1:${port}
cache deny all
http_access allow localhost
http_access deny all
access_log stdio:${folder}/access.log
cache_log /dev/null
pid_filename none
shutdown_lifetime 1 seconds
memory_cache_shared off
pinger_enable off
max_filedescriptors 20000
cache_mem 8 MB
`,
    )
    return spawnPeer({
      name: 'squid',
      command: ['squid', '-N', '-n', `turnpike${port}`, '-f', path.join(folder, 'squid.conf')],
      port,
      folder,
      wrapper,
    })
  },
}

const microsocks: ForwardContender = {
  name: 'microsocks',
  needs: ['microsocks'],
  via: 'socks5',
  does: ['relay', 'open', 'idle'],
  async start() {
    const port = await freePort()
    return spawnPeer({
      name: 'microsocks',
      command: ['microsocks', '-i', '127.0.0.1', '-p', String(port)],
      port,
      folder: peerFolder('microsocks'),
      wrapper,
    })
  },
}

const mitmproxy: ForwardContender = {
  name: 'mitmproxy',
  needs: ['mitmdump'],
  via: 'connect',
  does: ['intercept'],
  async start() {
    const folder = peerFolder('mitmproxy')
    const port = await freePort()
    const options = ['ssl_insecure=true', `confdir=${folder}`, 'connection_strategy=lazy', 'flow_detail=1']
    return spawnPeer({
      name: 'mitmproxy',
      command: [
        'mitmdump',
        '--listen-host',
        '127.0.0.1',
        '--listen-port',
        String(port),
        ...options.flatMap((each) => ['--set', each]),
      ],
      port,
      folder,
      wrapper,
    })
  },
}

export const forwardContenders: readonly ForwardContender[] = [
  {
    name: 'turnpike',
    needs: [],
    via: 'connect',
    does: ['relay', 'open', 'plain', 'intercept', 'idle'],
    start: startTurnpike,
  },
  {
    name: 'turnpike SOCKS5',
    needs: [],
    via: 'socks5',
    does: ['relay', 'open', 'idle'],
    start: startTurnpike,
  },
  haproxy('haproxy splice', 'option splice-auto'),
  haproxy('haproxy', 'no option splice-auto'),
  nginx,
  tinyproxy,
  squid,
  microsocks,
  mitmproxy,
]
