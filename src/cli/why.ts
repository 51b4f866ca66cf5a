import { askAdmin, findAdmin, messageOf } from './admin-client.ts'
import { command, FaultError, UsageError } from './command.ts'
import { exit } from './io.ts'
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
export const why = command(
  {
    usage,
    options: {
      admin: { type: 'string' },
      config: { type: 'string', short: 'c' },
      json: { type: 'boolean' },
    },
  },
  async ({ values, positionals }, io) => {
    const [id, ...more] = positionals
    if (id === undefined || more.length > 0) throw new UsageError('One request id is needed, nothing else.')
    if (!/^[\w-]{1,64}$/.test(id)) {
      throw new UsageError(`${JSON.stringify(id)} is no request id: one looks like k3v9q2-1f.`)
    }
    const answer = await askAdmin(await findAdmin(values.admin, values.config, io), `/api/why/${id}`)
    if (answer.status !== 200) {
      throw new FaultError(messageOf(answer.body) ?? `The admin API answered ${answer.status}.`)
    }
    io.stdout.write(values.json === true ? `${JSON.stringify(answer.body, null, 2)}\n` : renderWhy(answer.body))
    return exit.ok
  },
)
