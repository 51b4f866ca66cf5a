import { spawn } from 'node:child_process'
import { once } from 'node:events'
import net from 'node:net'
import { freePort } from '../test/support/peers/free-port.ts'
import { builtCommand } from './contenders/turnpike.ts'
import { startOrigin } from './origin.ts'
import { pinnedTo, PROXY_CORE } from './processes.ts'
import type { Section } from './section.ts'
import { median } from './statistics.ts'
import { table } from './table.ts'
import { atMost } from './target.ts'

const TIMES = 10
const GIVE_UP_MS = 10_000

/** How long the built command takes from its start to its first answer. */
export async function* benchStart(): AsyncGenerator<Section> {
  const origin = await startOrigin()
  const times: number[] = []
  try {
    // The first start of all fills the disk cache and is not counted.
    for (let time = 0; time <= TIMES; time++) {
      const taken = await oneStart(origin.port)
      if (time > 0) times.push(taken)
    }
  } finally {
    await origin.stop()
  }
  yield {
    title: 'start: from start to first answer',
    note: `\`turnpike gateway --to URL\`, built, alone on its core; asked every millisecond until it answers 200; ${TIMES} times.`,
    body: table(
      ['', 'median ms', 'fastest ms', 'slowest ms'],
      [['turnpike', median(times).toFixed(0), Math.min(...times).toFixed(0), Math.max(...times).toFixed(0)]],
    ),
    targets: [atMost('start: median of ten', median(times), 400, ' ms', 0)],
  }
}

async function oneStart(originPort: number): Promise<number> {
  const port = await freePort()
  const [taskset, ...core] = pinnedTo(PROXY_CORE)
  const startedAt = performance.now()
  const child = spawn(
    taskset!,
    [
      ...core,
      process.execPath,
      builtCommand,
      'gateway',
      '--to',
      `http://127.0.0.1:${originPort}`,
      '--listen',
      `127.0.0.1:${port}`,
    ],
    { stdio: 'ignore' },
  )
  const ended = once(child, 'exit')
  try {
    while (!(await answers(port))) {
      if (child.exitCode !== null || performance.now() - startedAt > GIVE_UP_MS)
        throw new Error('turnpike did not start')
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
    return performance.now() - startedAt
  } finally {
    child.kill('SIGKILL')
    await ended
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1')
    socket.once('error', () => resolve(false))
    socket.once('connect', () => socket.write('GET / HTTP/1.1\r\nHost: bench.example\r\nConnection: close\r\n\r\n'))
    socket.once('data', (chunk) => {
      resolve(chunk.toString('latin1').startsWith('HTTP/1.1 200'))
      socket.destroy()
    })
    socket.once('close', () => resolve(false))
  })
}
