import { once } from 'node:events'
import { connect } from 'node:net'
import type { TestContext } from 'node:test'
import { Worker } from 'node:worker_threads'

/** A port that takes no connection and refuses none: its backlog is full, and nobody accepts. It ends with the test. */
export async function startBlackHole(t: TestContext): Promise<number> {
  // Accepting happens on another thread's loop, which then stands still.
  const worker = new Worker(
    `const { createServer } = require('node:net'), { parentPort } = require('node:worker_threads')
     const server = createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
       parentPort.postMessage(server.address().port)
       Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
     })`,
    { eval: true },
  )
  t.after(() => worker.terminate())
  const [port]: number[] = await once(worker, 'message')
  for (;;) {
    const socket = connect(port!, '127.0.0.1').on('error', () => {})
    t.after(() => socket.destroy())
    const taken = await Promise.race([
      once(socket, 'connect').then(() => true),
      new Promise<false>((resolve) => setTimeout(resolve, 50, false)),
    ])
    if (!taken) return port!
  }
}
