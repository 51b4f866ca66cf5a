import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { readFlows, replayFlows, type RecordedFlow, type ReplayedFlow } from '../flow-replay.ts'
import { command, FaultError, UsageError } from './command.ts'
import { exit, type CliIo } from './io.ts'

const usage = `Usage: turnpike replay FLOWS.har --against URL [OPTIONS]

Sends the requests of a HAR file, one that \`forward.record\` wrote or a browser
saved, to another service, and compares its replies: status, and body where it was
recorded whole. Secrets that were left out of the record are left out of the
requests too: --header gives them.

      --against URL        the service, as in http://127.0.0.1:9000
      --only HOST          those alone that went to this host
  -H, --header 'N: VALUE'  sends this field, in place of recorded ones of its name;
                           may be repeated
      --keep-host          sends the recorded Host, not that of --against
      --status-only        compares no bodies
      --concurrency N      requests at a time; default 1, in the recorded order
      --rate N             requests a second at most
      --ca FILE            authorities that are trusted for https; default: the machine's
      --json               prints JSON, a request a line
  -h, --help               shows this

Exit code: 0 all replies are as recorded, 1 some are not or nothing was sent,
2 wrong usage.
`

/** `turnpike replay`: 0 where every reply is as it was recorded, 1 where one is not, 2 for wrong usage. */
export const replay = command(
  {
    usage,
    options: {
      against: { type: 'string' },
      only: { type: 'string' },
      header: { type: 'string', short: 'H', multiple: true },
      'keep-host': { type: 'boolean' },
      'status-only': { type: 'boolean' },
      concurrency: { type: 'string' },
      rate: { type: 'string' },
      ca: { type: 'string' },
      json: { type: 'boolean' },
    },
  },
  async ({ values, positionals }, io) => {
    const [file, ...more] = positionals
    if (file === undefined || more.length > 0) throw new UsageError('One HAR file is needed.')
    const against = originOf(values.against)
    const fields = (values.header ?? []).map(fieldOf)
    const concurrency = numberOf('--concurrency', values.concurrency, 1, 256) ?? 1
    const perSecond = numberOf('--rate', values.rate, 0.001, 1e6) ?? Infinity
    const flows = chosen(await read(file, io, readFlows), values.only)
    const ca = values.ca === undefined ? null : await read(values.ca, io, (text) => text)
    const stop = new AbortController()
    const interrupt = (): void => stop.abort(new Error('interrupted'))
    process.once('SIGINT', interrupt).once('SIGTERM', interrupt)
    const counts = { same: 0, different: 0, unsent: 0 }
    const isColoured = io.stdout.isTTY === true && !io.env['NO_COLOR']
    if (values.json !== true) io.stdout.write('    method   recorded  now  took     path\n')
    try {
      const options = {
        flows,
        against,
        ca,
        keepsHost: values['keep-host'] === true,
        fields,
        withBodies: values['status-only'] !== true,
        concurrency,
        perSecond,
        signal: stop.signal,
      }
      await replayFlows(options, (flow) => {
        counts[flow.outcome]++
        io.stdout.write(values.json === true ? `${JSON.stringify(flow)}\n` : row(flow, isColoured))
      })
    } finally {
      process.off('SIGINT', interrupt).off('SIGTERM', interrupt)
    }
    const { same, different, unsent } = counts
    const left = flows.length - same - different - unsent
    const summary = `${flows.length} requests: ${same} answered as recorded, ${different} not, ${unsent} not sent.`
    if (values.json !== true) io.stdout.write(`${summary}\n`)
    if (left > 0) throw new FaultError(`Interrupted: ${left} were left.`)
    return different === 0 && same > 0 ? exit.ok : exit.fault
  },
)

const marks = { same: ['ok', 32], different: ['≠', 31], unsent: ['-', 33] } as const

function row({ outcome, method, recorded, status, tookMs, path, detail }: ReplayedFlow, isColoured: boolean): string {
  const [mark, colour] = marks[outcome]
  const shown = isColoured ? `\u001b[${colour}m${mark.padEnd(2)}\u001b[0m` : mark.padEnd(2)
  const took = outcome === 'unsent' ? '-' : `${tookMs} ms`
  const line = `${shown}  ${method.padEnd(7)}  ${code(recorded).padEnd(8)}  ${code(status).padEnd(3)}  ${took.padEnd(7)}  ${path}\n`
  return detail === '' ? line : `${line}    ${detail}\n`
}

function code(status: number): string {
  return status === 0 ? '-' : String(status)
}

function originOf(text: string | undefined): URL {
  if (text === undefined) throw new UsageError('--against URL says where the requests are sent.')
  const url = URL.parse(text)
  const bare = url !== null && /^https?:$/.test(url.protocol) && url.pathname === '/' && url.search === ''
  if (!bare || url.username !== '')
    throw new UsageError(`--against: ${JSON.stringify(text)} is not like http://127.0.0.1:9000.`)
  return url
}

function fieldOf(text: string): [name: string, value: string] {
  const [, name, value] = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):\s*([\t\x20-\x7e\x80-\xff]*)$/.exec(text) ?? []
  if (name === undefined || value === undefined)
    throw new UsageError('--header is like --header "Authorization: Bearer TOKEN".')
  return [name, value]
}

function numberOf(option: string, text: string | undefined, least: number, most: number): number | undefined {
  if (text === undefined) return undefined
  const number = Number(text)
  if (number >= least && number <= most) return number
  throw new UsageError(`${option}: ${JSON.stringify(text)} is no number from ${least} to ${most}.`)
}

async function read<T>(file: string, { cwd }: CliIo, parse: (text: string) => T): Promise<T> {
  try {
    return parse(await readFile(resolve(cwd, file), 'utf8'))
  } catch (error) {
    throw new FaultError(`${file}: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  }
}

function chosen(flows: readonly RecordedFlow[], host: string | undefined): RecordedFlow[] {
  const kept = flows.filter(({ request }) => {
    const url = host === undefined ? null : URL.parse(request.url)
    return host === undefined || url?.hostname === host.toLowerCase() || url?.host === host.toLowerCase()
  })
  if (kept.length === 0)
    throw new FaultError(host === undefined ? 'It has no requests.' : `It has no requests to ${host}.`)
  return kept
}
