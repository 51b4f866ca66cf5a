import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { TestContext } from 'node:test'
import { portOf } from '../support/peers/free-port.ts'

/** A service on node:http that can go away and come back at its port. */
export interface Service {
  readonly port: number
  readonly url: string
  /** Requests so far. */
  count: number
  /** Stops taking connections, lets what is being answered finish, closes the rest: a polite end. */
  stop(): Promise<void>
  /** Dies: every connection is cut. */
  kill(): Promise<void>
  restart(): Promise<void>
}

/** Starts one; it ends with the test. */
export async function startService(
  t: TestContext,
  answer: RequestListener = (_request, response) => void response.end('hello'),
): Promise<Service> {
  let server: Server | null = null
  const listen = async (port: number): Promise<number> => {
    server = createServer((request, response) => {
      service.count++
      answer(request, response)
    })
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    return portOf(server)
  }
  const close = async (cut: boolean): Promise<void> => {
    if (server === null) return
    const closing = server
    server = null
    const closed = once(closing, 'close')
    closing.close()
    if (cut) closing.closeAllConnections()
    else closing.closeIdleConnections()
    await closed
  }
  const service: Service = {
    port: 0,
    url: '',
    count: 0,
    stop: () => close(false),
    kill: () => close(true),
    restart: async () => void (await listen(service.port)),
  }
  const port = await listen(0)
  Object.assign(service, { port, url: `http://127.0.0.1:${port}` })
  t.after(() => close(true))
  return service
}
