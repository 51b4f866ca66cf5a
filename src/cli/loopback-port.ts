import { createServer } from 'node:net'

/** The port on 127.0.0.1 where nothing listens there, else 0: any free one. */
export function loopbackPort(wanted: number): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(0))
    server.listen(wanted, '127.0.0.1', () => server.close(() => resolve(wanted)))
  })
}
