import { once } from 'node:events'
import http from 'node:http'
import https from 'node:https'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { WebSocket } from 'ws'
import { forwardLoads } from './forward-loads.ts'
import type { Origins } from './origins.ts'
import type { Ports } from './settings.ts'

/** What one kind of load did. */
export interface Tally {
  name: string
  done: number
  /** What should not have been, the first few in words. */
  failed: number
  failures: string[]
}

const KEPT_FAILURES = 5

/** One kind of load: runs until it is told to stop, counts what it did and what went wrong. */
export class Load {
  readonly tally: Tally
  private readonly run: (load: Load) => Promise<void>
  private readonly workers: Promise<void>[] = []
  stopping = false

  constructor(name: string, run: (load: Load) => Promise<void>) {
    this.tally = { name, done: 0, failed: 0, failures: [] }
    this.run = run
  }

  /** Starts that many of it at once. */
  start(workers: number): void {
    for (let worker = 0; worker < workers; worker++) this.workers.push(this.work())
  }

  async stop(): Promise<void> {
    this.stopping = true
    await Promise.all(this.workers)
  }

  fail(what: string): void {
    this.tally.failed++
    if (this.tally.failures.length < KEPT_FAILURES) this.tally.failures.push(what)
  }

  private async work(): Promise<void> {
    while (!this.stopping) {
      try {
        await this.run(this)
        this.tally.done++
      } catch (error) {
        this.fail(String(error))
        await sleep(10)
      }
    }
  }
}

/** The mix: each kind with how many of it run at once. */
export function mixedLoads(
  ports: Ports,
  origins: Origins,
): { loads: [load: Load, workers: number][]; close: () => void } {
  const plain = new http.Agent({ keepAlive: true, maxSockets: 64 })
  const secure = new https.Agent({ keepAlive: true, maxSockets: 16, rejectUnauthorized: false })
  const web = { port: ports.web, agent: plain }
  const expect = async (path: string, wanted: number, size: number): Promise<void> => {
    const { status, length } = await ask(http, { ...web, path })
    if (status !== wanted || (size >= 0 && length !== size)) throw new Error(`${path}: ${status}, ${length} bytes`)
  }
  const loads: [Load, number][] = [
    [new Load('short', () => expect('/', 200, 2)), 16],
    [
      new Load('short, new TLS connections', async () => {
        const { status } = await ask(https, { port: ports.secure, path: '/', rejectUnauthorized: false, agent: false })
        if (status !== 200) throw new Error(`status ${status}`)
      }),
      2,
    ],
    [
      new Load('short over TLS', async () => {
        const { status } = await ask(https, { port: ports.secure, path: '/', agent: secure })
        if (status !== 200) throw new Error(`status ${status}`)
      }),
      4,
    ],
    [new Load('large', () => expect('/large', 200, 1024 * 1024)), 2],
    [new Load('slow', () => expect('/slow', 200, 60)), 8],
    [new Load('upload', () => upload(ports.web)), 4],
    [new Load('errors of the service', () => expect('/error', 503, 7)), 2],
    [new Load('dead endpoint', () => expect('/dead/x', 502, -1)), 1],
    [new Load('reply that breaks off', () => brokenOff(ports.web)), 1],
    [new Load('aborted by the client', () => abort(ports.web)), 4],
    [new Load('WebSockets', () => talk(ports.web, (time) => time < 5)), 4],
    [new Load('one WebSocket for all the time', (load) => talk(ports.web, () => !load.stopping)), 1],
    ...forwardLoads(ports.egress, origins),
  ]
  return {
    loads,
    close() {
      plain.destroy()
      secure.destroy()
    },
  }
}

/** One request; its status, and the length of the reply. */
export async function ask(
  library: { request: typeof https.request },
  options: https.RequestOptions,
): Promise<{ status: number; length: number }> {
  const request = library.request({ host: '127.0.0.1', ...options })
  request.on('error', heard)
  request.end()
  const [response]: http.IncomingMessage[] = await once(request, 'response')
  let length = 0
  response!.on('data', (chunk: Buffer) => (length += chunk.length))
  await once(response!, 'end')
  return { status: response!.statusCode!, length }
}

/** `once` rejects with it where it is waited for; what comes later is the response's to tell. */
const heard = (): void => {}

async function upload(port: number): Promise<void> {
  const request = http.request({ host: '127.0.0.1', port, path: '/upload', method: 'POST', agent: false })
  request.on('error', heard)
  const answered: Promise<http.IncomingMessage[]> = once(request, 'response')
  for (let piece = 0; piece < 8; piece++) {
    request.write(Buffer.alloc(16_384, 'u'))
    await sleep(5)
  }
  request.end()
  const [response] = await answered
  response!.resume()
  await once(response!, 'end')
  if (response!.statusCode !== 200) throw new Error(`status ${response!.statusCode}`)
}

/** A reply that the service does not finish must not look finished. */
async function brokenOff(port: number): Promise<void> {
  const request = http.request({ host: '127.0.0.1', port, path: '/broken', agent: false })
  request.on('error', heard)
  request.end()
  const [response]: http.IncomingMessage[] = await once(request, 'response')
  response!.resume()
  const ended = await Promise.race([
    once(response!, 'end').then(() => true),
    once(response!, 'error').then(() => false),
  ]).catch(() => false)
  if (ended) throw new Error('it passed for complete')
}

/** Leaves in the middle: of a head, of a body, of a reply. */
async function abort(port: number): Promise<void> {
  const pieces = [
    'GET /slow HTTP/1.1\r\nHost: a',
    'POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nsome',
    'GET /slow HTTP/1.1\r\nHost: a\r\n\r\n',
    'GET /large HTTP/1.1\r\nHost: a\r\n\r\n',
  ]
  for (const piece of pieces) {
    const socket = connect({ port, host: '127.0.0.1' })
    socket.on('error', () => {})
    await once(socket, 'connect')
    socket.write(piece)
    await sleep(20)
    socket.resetAndDestroy()
    await once(socket, 'close')
  }
}

/** Says something and hears it back for as long as `goOn` says, then closes. */
async function talk(port: number, goOn: (time: number) => boolean): Promise<void> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/live/socket`)
  const broken = once(socket, 'close').then(() => Promise.reject(new Error('the WebSocket was closed')))
  broken.catch(() => {})
  socket.on('error', () => {})
  await Promise.race([once(socket, 'open'), broken])
  for (let time = 0; goOn(time); time++) {
    const back = once(socket, 'message')
    socket.send(`hello ${time}`)
    await Promise.race([back, broken])
    await sleep(50)
  }
  const closed = once(socket, 'close')
  socket.close()
  await closed
}
