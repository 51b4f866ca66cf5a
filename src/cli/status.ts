import type { ReloadAttempt } from '../control/reload-history.ts'
import type { Summary } from '../control/summary.ts'
import { askAdmin, findAdmin, messageOf, type AdminTarget } from './admin-client.ts'
import { command, FaultError, noPositionals } from './command.ts'
import { exit } from './io.ts'

const usage = `Usage: turnpike status [--admin URL] [--config FILE] [--json]

Asks the running process how it is: ready or not and why, the config that serves, what
became of the last reload, requests and memory.

      --admin URL      where the process is asked, as in http://127.0.0.1:9900
                       default: the admin address of the config, else 127.0.0.1:9900
  -c, --config FILE    the config to look in; default: the one in this folder
      --json           prints JSON
  -h, --help           shows this

TURNPIKE_ADMIN_TOKEN holds the token of an admin address that wants one.

Exit code: 0 it is ready, 1 it is not or nobody answers, 2 wrong usage.
`

interface Generations {
  current: { generation: number; revision: string; since: string }
  draining: number
  lastReload: (Omit<ReloadAttempt, 'at'> & { at: string }) | null
}

/** `turnpike status`: 0 where the process is ready, 1 where it is not or does not answer, 2 for wrong usage. */
export const status = command(
  {
    usage,
    options: {
      admin: { type: 'string' },
      config: { type: 'string', short: 'c' },
      json: { type: 'boolean' },
    },
  },
  async ({ values, positionals }, io) => {
    noPositionals(positionals)
    const target = await findAdmin(values.admin, values.config, io)
    const ready = await askAdmin(target, '/ready')
    const summary = await answerOf<Summary>(target, '/health/metrics')
    const generations = await answerOf<Generations>(target, '/api/generations')
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- our own API's answer
    const { reasons = [] } = ready.body as { reasons?: string[] }
    if (values.json === true) {
      io.stdout.write(
        `${JSON.stringify({ ready: reasons.length === 0, reasons, ...generations, ...summary }, null, 2)}\n`,
      )
    } else io.stdout.write(render(reasons, generations, summary))
    return reasons.length === 0 ? exit.ok : exit.fault
  },
)

async function answerOf<T>(target: AdminTarget, path: string): Promise<T> {
  const { status: code, body } = await askAdmin(target, path)
  if (code !== 200) throw new FaultError(messageOf(body) ?? `The admin API answered ${code}.`)
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- our own API's answer
  return body as T
}

function render(reasons: readonly string[], { current, draining, lastReload }: Generations, summary: Summary): string {
  const { requests, connections, memory, uptimeSeconds } = summary
  const lines = [
    ['state', reasons.length === 0 ? 'ready' : `not ready: ${reasons.join(', ')}`],
    ['config', `revision ${current.revision}, generation ${current.generation}, since ${current.since}`],
    ...(draining > 0 ? [['draining', `${draining} earlier`]] : []),
    ...(lastReload === null ? [] : [['reload', `${lastReload.result} at ${lastReload.at} (${lastReload.reason})`]]),
    ['up for', `${Math.floor(uptimeSeconds)} s`],
    [
      'requests',
      `${requests.total}, ${requests.inFlight} in flight, ${(requests.errorRate * 100).toFixed(2)} % failed`,
    ],
    ['duration', `p50 ${requests.p50Ms.toFixed(1)} ms, p99 ${requests.p99Ms.toFixed(1)} ms`],
    ['clients', `${connections.open} connections`],
    ['memory', `${(memory.residentBytes / 1024 / 1024).toFixed(0)} MiB`],
  ]
  const text = lines.map(([name, value]) => `${name!.padEnd(10)}${value}\n`).join('')
  const problems = lastReload?.problems ?? []
  return text + problems.map(({ message, code }) => `  ${message} [${code}]\n`).join('')
}
