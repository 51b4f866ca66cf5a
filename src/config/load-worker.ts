/* Runs in a thread of its own: reads a config and checks it, as `check` and `run` do, and hands it over in slices. */
import { parentPort, workerData } from 'node:worker_threads'
import { ConfigError } from './errors.ts'
import type { LoadJob, LoadMessage } from './load-messages.ts'
import { loadInFull } from './load.ts'
import { treeOf } from './tree.ts'

/** Reading one takes the other side about a millisecond. */
const SLICE = 250

const port = parentPort!
const send = (message: LoadMessage): void => port.postMessage(message)

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- our own starter sent it
const { file, cwd, env } = workerData as LoadJob

try {
  const { loaded, plain } = await loadInFull(file, { cwd, env })
  const { config: _, ...rest } = loaded
  const tree = treeOf(plain.data)
  const { routes, upstreams, ...gateway } = treeOf(tree['gateway'])
  const slices = slicesOf(Array.isArray(routes) ? routes : [], Object.entries(treeOf(upstreams)))
  port.on('message', () => send(slices.next().value ?? { kind: 'end' }))
  const data = tree['gateway'] === undefined ? tree : { ...tree, gateway }
  send({ kind: 'head', loaded: rest, plain: { ...plain, data } })
} catch (error) {
  if (!(error instanceof ConfigError)) throw error
  send({ kind: 'refused', problems: error.problems, files: error.files })
}

function* slicesOf(routes: unknown[], upstreams: [string, unknown][]): Generator<LoadMessage, undefined> {
  for (let at = 0; at < upstreams.length; at += SLICE) {
    yield { kind: 'slice', routes: [], upstreams: upstreams.slice(at, at + SLICE) }
  }
  for (let at = 0; at < routes.length; at += SLICE) {
    yield { kind: 'slice', routes: routes.slice(at, at + SLICE), upstreams: [] }
  }
}
