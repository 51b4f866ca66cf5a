import { parseArgs } from 'node:util'
import { askAdmin, findAdmin } from './admin-client.ts'
import { exit, type CliIo } from './io.ts'
import { renderWhy } from './render-why.ts'

const usage = `Usage: turnpike why REQUEST-ID [--admin URL] [--config FILE] [--json]

Asks the running process what became of one of its last requests: route, endpoint,
retries, cause and timings. The id stands in the access log and on every error
page of Turnpike.

      --admin URL      where the process is asked, as in http://127.0.0.1:9900
                       default: the admin address of the config, else 127.0.0.1:9900
  -c, --config FILE    the config to look in; default: the one in this folder
      --json           prints JSON
  -h, --help           shows this

TURNPIKE_ADMIN_TOKEN holds the token of an admin address that wants one.

Exit code: 0 found, 1 not known or not reachable, 2 wrong usage.
`

/** `turnpike why`: 0 where the request is known, 1 where it is not or nobody answers, 2 for wrong usage. */
export async function why(args: string[], io: CliIo): Promise<number> {
  const wrong = (message: string): number => {
    io.stderr.write(`${message}\n\n${usage}`)
    return exit.usage
  }
  let parsed: ReturnType<typeof parse>
  try {
    parsed = parse(args)
  } catch (error) {
    return wrong(error instanceof Error ? error.message : String(error))
  }
  const { values, positionals } = parsed
  if (values.help === true) {
    io.stdout.write(usage)
    return exit.ok
  }
  const [id, ...more] = positionals
  if (id === undefined || more.length > 0) return wrong('One request id is needed, nothing else.')
  if (!/^[\w-]{1,64}$/.test(id)) return wrong(`${JSON.stringify(id)} is no request id: one looks like k3v9q2-1f.`)
  let target: Awaited<ReturnType<typeof findAdmin>>
  try {
    target = await findAdmin(values.admin, values.config, io)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    if (values.admin !== undefined) return wrong(error.message)
    io.stderr.write(`${error.message}\n`)
    return exit.fault
  }
  let answer: Awaited<ReturnType<typeof askAdmin>>
  try {
    answer = await askAdmin(target, `/api/why/${id}`)
  } catch (error) {
    io.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    return exit.fault
  }
  if (answer.status !== 200) {
    io.stderr.write(`${messageOf(answer.body) ?? `The admin API answered ${answer.status}.`}\n`)
    return exit.fault
  }
  io.stdout.write(values.json === true ? `${JSON.stringify(answer.body, null, 2)}\n` : renderWhy(answer.body))
  return exit.ok
}

function parse(args: string[]) {
  return parseArgs({
    args,
    allowPositionals: true,
    options: {
      admin: { type: 'string' },
      config: { type: 'string', short: 'c' },
      json: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  })
}

function messageOf(body: unknown): string | null {
  const error = typeof body === 'object' && body !== null && 'error' in body ? body.error : null
  return typeof error === 'object' && error !== null && 'message' in error ? String(error.message) : null
}
