import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:https'
import { connect } from 'node:net'
import path from 'node:path'
import type { TestContext } from 'node:test'
import { freePort, portOf } from './free-port.ts'
import { peerFolder, spawnPeer, type Peer } from './spawn-peer.ts'

export interface Login {
  username: string
  password: string
}

/** tinyproxy: an HTTP proxy that lets CONNECT through to every port. */
export async function startTinyproxy(t: TestContext, login?: Login): Promise<Peer> {
  const folder = peerFolder('tinyproxy')
  const port = await freePort()
  writeFileSync(
    path.join(folder, 'tinyproxy.conf'),
    `Port ${port}
Listen 127.0.0.1
Timeout 600
LogFile "${folder}/access.log"
LogLevel Connect
MaxClients 100
Allow 127.0.0.1
${login === undefined ? '' : `BasicAuth ${login.username} ${login.password}`}
`,
  )
  return stopped(
    t,
    await spawnPeer({
      name: 'tinyproxy',
      command: ['tinyproxy', '-d', '-c', path.join(folder, 'tinyproxy.conf')],
      port,
      folder,
      accessLog: 'access.log',
    }),
  )
}

/**
 * Squid, with CONNECT allowed to every port, or to none but 443 as it comes. Started by root it goes on as a user of its
 * own, who can write nowhere here: it writes nothing.
 */
export async function startSquid(t: TestContext, { anyPort = true } = {}): Promise<Peer> {
  const folder = peerFolder('squid')
  const port = await freePort()
  writeFileSync(
    path.join(folder, 'squid.conf'),
    `http_port 127.0.0.1:${port}
cache deny all
acl SSL_ports port 443
acl CONNECT method CONNECT
${anyPort ? '' : 'http_access deny CONNECT !SSL_ports'}
http_access allow localhost
http_access deny all
access_log none
cache_log /dev/null
pid_filename none
shutdown_lifetime 1 seconds
memory_cache_shared off
pinger_enable off
`,
  )
  return stopped(
    t,
    await spawnPeer({
      name: 'squid',
      // The name is that of its shared memory: of two with one name, one does not start.
      command: ['squid', '-N', '-n', `turnpike${port}`, '-f', path.join(folder, 'squid.conf')],
      port,
      folder,
    }),
  )
}

/** microsocks: SOCKS5 with or without a password. */
export async function startMicrosocks(t: TestContext, login?: Login): Promise<Peer> {
  const folder = peerFolder('microsocks')
  const port = await freePort()
  const auth = login === undefined ? [] : ['-u', login.username, '-P', login.password]
  return stopped(
    t,
    await spawnPeer({
      name: 'microsocks',
      command: ['microsocks', '-i', '127.0.0.1', '-p', String(port), ...auth],
      port,
      folder,
    }),
  )
}

/** Dante: SOCKS4, 4A and 5. */
export async function startDante(t: TestContext): Promise<Peer> {
  const folder = peerFolder('dante')
  const port = await freePort()
  writeFileSync(
    path.join(folder, 'danted.conf'),
    `logoutput: ${folder}/access.log
internal: 127.0.0.1 port = ${port}
external: 127.0.0.1
socksmethod: none
clientmethod: none
user.privileged: root
user.unprivileged: root
client pass { from: 127.0.0.0/8 to: 0.0.0.0/0 }
socks pass { from: 127.0.0.0/8 to: 0.0.0.0/0 log: connect }
`,
  )
  return stopped(
    t,
    await spawnPeer({
      name: 'dante',
      command: ['danted', '-f', path.join(folder, 'danted.conf'), '-p', path.join(folder, 'danted.pid')],
      port,
      folder,
      accessLog: 'access.log',
    }),
  )
}

/** An HTTP proxy that is spoken to by TLS, on Node's own server. Resolves with its port. */
export async function startTlsParent(t: TestContext, material: { cert: string; key: string }): Promise<number> {
  const server = createServer(material)
  server.on('connect', (request, client, head) => {
    const [, host, port] = /^(.*):(\d+)$/.exec(request.url ?? '')!
    const target = connect(Number(port), host!.replace(/^\[(.*)\]$/, '$1'))
    target.on('error', () => client.destroy())
    client.on('error', () => target.destroy())
    client.on('close', () => target.destroy())
    target.on('close', () => client.destroy())
    target.once('connect', () => {
      client.write('HTTP/1.1 200 OK\r\n\r\n')
      target.write(head)
      target.pipe(client)
      client.pipe(target)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return portOf(server)
}

function stopped(t: TestContext, peer: Peer): Peer {
  t.after(() => peer.stop())
  return peer
}
