import { once } from 'node:events'
import http from 'node:http'
import { connect, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import tls from 'node:tls'
import { ask, Load } from './loads.ts'
import type { Origins } from './origins.ts'

/** What goes through the forward proxy, on the port that understands all of it. */
export function forwardLoads(proxyPort: number, origins: Origins): [load: Load, workers: number][] {
  const [port] = origins.ports
  const through = (target: number) => openTunnel(proxyPort, `127.0.0.1:${target}`)
  return [
    [
      new Load('plain requests of a proxy', async () => {
        const path = `http://127.0.0.1:${port}/`
        const { status } = await ask(http, {
          port: proxyPort,
          path,
          headers: { host: `127.0.0.1:${port}` },
          agent: false,
        })
        if (status !== 200) throw new Error(`status ${status}`)
      }),
      4,
    ],
    [new Load('tunnels by CONNECT', async () => askIn(await through(port!), '/large')), 4],
    [new Load('tunnels by SOCKS5', async () => askIn(await openSocks(proxyPort, port!), '/')), 4],
    [new Load('tunnels that rules refuse', () => refused(proxyPort)), 1],
    [new Load('tunnels whose client resets them', async () => reset(await through(port!))), 2],
    [
      new Load('one tunnel for all the time', async (load) => {
        const socket = await through(port!)
        while (!load.stopping) {
          await askOnce(socket, '/', 'keep-alive')
          await sleep(50)
        }
        socket.destroy()
      }),
      1,
    ],
    [
      new Load('intercepted requests', async () => {
        const socket = await through(origins.tlsPort)
        const secure = tls.connect({ socket, servername: 'a.test', rejectUnauthorized: false })
        await once(secure, 'secureConnect')
        if (secure.getPeerX509Certificate()?.subject !== 'CN=a.test') throw new Error('nobody looked into it')
        await askIn(secure, '/')
      }),
      2,
    ],
  ]
}

async function openTunnel(proxyPort: number, target: string): Promise<Socket> {
  const { status, socket } = await askTunnel(proxyPort, target)
  if (status === 200) return socket
  socket.destroy()
  throw new Error(`CONNECT: ${status}`)
}

function askTunnel(proxyPort: number, target: string): Promise<{ status: number; socket: Socket }> {
  return new Promise((resolve, reject) => {
    const request = http.request({ host: '127.0.0.1', port: proxyPort, method: 'CONNECT', path: target, agent: false })
    request.on('error', reject)
    request.on('connect', ({ statusCode = 0 }, socket) => {
      socket.on('error', () => {})
      if (socket instanceof Socket) resolve({ status: statusCode, socket })
    })
    request.end()
  })
}

async function openSocks(proxyPort: number, port: number): Promise<Socket> {
  const socket = connect({ port: proxyPort, host: '127.0.0.1' })
  socket.on('error', () => {})
  await once(socket, 'connect')
  socket.write(Buffer.from([5, 1, 0]))
  await bytes(socket, 2)
  socket.write(Buffer.from([5, 1, 0, 1, 127, 0, 0, 1, port >> 8, port & 255]))
  const answer = await bytes(socket, 10)
  if (answer[1] !== 0) throw new Error(`SOCKS5: ${answer[1]}`)
  return socket
}

async function bytes(socket: Socket, length: number): Promise<Buffer> {
  for (;;) {
    const found: Buffer | null = socket.read(length)
    if (found !== null) return found
    await once(socket, 'readable')
  }
}

async function askIn(socket: Duplex, path: string): Promise<void> {
  await askOnce(socket, path, 'close')
  socket.destroy()
}

async function askOnce(socket: Duplex, path: string, connection: string): Promise<void> {
  const request = http.request({ path, headers: { host: 'a.test', connection }, createConnection: () => socket })
  request.end()
  const [response]: http.IncomingMessage[] = await once(request, 'response')
  response!.resume()
  await once(response!, 'end')
  if (response!.statusCode !== 200) throw new Error(`status ${response!.statusCode}`)
}

async function refused(proxyPort: number): Promise<void> {
  const { status, socket } = await askTunnel(proxyPort, 'never.example:443')
  socket.destroy()
  if (status !== 403) throw new Error(`status ${status}`)
}

async function reset(socket: Socket): Promise<void> {
  socket.write('GET /large HTTP/1.1\r\nHost: a.test\r\n\r\n')
  await once(socket, 'data')
  socket.resetAndDestroy()
  await once(socket, 'close')
}
