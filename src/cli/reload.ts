import type { ReloadReport } from '../control/reload-history.ts'
import { askAdmin, findAdmin, messageOf } from './admin-client.ts'
import { command, FaultError, noPositionals } from './command.ts'
import { exit } from './io.ts'

const usage = `Usage: turnpike reload [--admin URL] [--config FILE]

Has the running process read its config again, and waits for what becomes of it.
Where the config is refused, its errors are shown, and the one before serves on.

      --admin URL      where the process is asked, as in http://127.0.0.1:9900
                       default: the admin address of the config, else 127.0.0.1:9900
  -c, --config FILE    the config to look in; default: the one in this folder
  -h, --help           shows this

TURNPIKE_ADMIN_TOKEN holds the token of an admin address that wants one.

Exit code: 0 the config serves, 1 it is refused or nobody answers, 2 wrong usage.
`

/** `turnpike reload`: 0 where the config serves, 1 where it is refused or nobody answers, 2 for wrong usage. */
export const reload = command(
  { usage, options: { admin: { type: 'string' }, config: { type: 'string', short: 'c' } } },
  async ({ values, positionals }, io) => {
    noPositionals(positionals)
    const { status, body } = await askAdmin(await findAdmin(values.admin, values.config, io), '/api/reload', 'POST')
    if (status !== 200 && status !== 422) throw new FaultError(messageOf(body) ?? `The admin API answered ${status}.`)
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- our own API's answer
    const { result, revision, problems, durationMs } = body as ReloadReport
    if (result !== 'refused') {
      const what = result === 'applied' ? 'serves now' : 'has not changed'
      io.stdout.write(`The config ${what}: revision ${revision}, ${durationMs} ms.\n`)
      return exit.ok
    }
    for (const { file, line, column, message, code } of problems) {
      io.stdout.write(`${file === undefined ? '' : `${file}:${line}:${column}: `}${message} [${code}]\n`)
    }
    io.stderr.write(`The config is refused; revision ${revision} serves on.\n`)
    return exit.fault
  },
)
