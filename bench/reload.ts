import { spawn } from 'node:child_process'
import { get, Agent } from 'node:http'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { LOAD_CORE, PROXY_CORE } from './processes.ts'
import type { Section } from './section.ts'
import { median } from './statistics.ts'
import { table } from './table.ts'
import { atMost } from './target.ts'

const ROUTES = 10_000
const ROUNDS = 5
const subject = fileURLToPath(new URL('./reload-subject.ts', import.meta.url))

/** How long reloads of 10 000 routes take, and the longest that each holds up the event loop. */
export async function* benchReload(): AsyncGenerator<Section> {
  const child = spawn(
    'taskset',
    ['-c', `${PROXY_CORE},${LOAD_CORE}`, process.execPath, subject, String(ROUTES), String(ROUNDS)],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  const agent = new Agent({ keepAlive: true })
  const reloads: { result: string; durationMs: number; longestMs: number }[] = []
  let served = 0
  let failed = 0
  let running = true
  for await (const line of createInterface({ input: child.stdout })) {
    const said: { port: number } | (typeof reloads)[number] = JSON.parse(line)
    if (!('port' in said)) reloads.push(said)
    else {
      const ask = (): void => {
        const request = get({ host: '127.0.0.1', port: said.port, path: '/mark', agent }, (response) => {
          response.resume().on('end', () => {
            if (response.statusCode === 200) served++
            else failed++
            if (running) ask()
          })
        })
        request.on('error', () => {
          if (running) failed++
        })
      }
      ask()
    }
    if (reloads.length === ROUNDS) running = false
  }
  agent.destroy()
  if (reloads.length < ROUNDS || reloads.some(({ result }) => result !== 'applied')) {
    throw new Error(`a reload was not applied: ${JSON.stringify(reloads)}`)
  }
  const held = reloads.map(({ longestMs }) => longestMs)
  const took = reloads.map(({ durationMs }) => durationMs)
  yield {
    title: 'reload: 10 000 routes while requests are served',
    note: `${ROUNDS} times, every route another one, on both cores; ${served} requests on one connection meanwhile, ${failed} failed. Held up: the longest time between two turns of the event loop, from the write to the end of the generation before.`,
    body: table(
      ['', 'median', 'worst'],
      [
        ['held up, ms', median(held).toFixed(1), Math.max(...held).toFixed(1)],
        ['write to swap, ms', median(took).toFixed(0), Math.max(...took).toFixed(0)],
      ],
    ),
    targets: [
      atMost('reload: event loop held up, worst', Math.max(...held), 50, ' ms'),
      atMost('reload: failed requests', failed, 0, '', 0),
    ],
  }
}
