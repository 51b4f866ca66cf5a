import { resolve } from 'node:path'
import { readCertificate } from '../certs/open-authority.ts'
import { authorityFault, authorityFolder } from './ca-folder.ts'
import { command, UsageError } from './command.ts'
import { exit } from './io.ts'

const usage = `Usage: turnpike ca export [DIR] [--format pem|der]

Prints the certificate of an authority, for those who are to trust it; never its key.

  DIR                    default: ca
      --format FORMAT    pem (default), or der: Windows and Android take either
  -h, --help             shows this

Exit code: 0 printed, 1 there is none, 2 wrong usage.
`

/** `turnpike ca export`: prints the certificate of an authority. */
export const caExport = command(
  { usage, options: { format: { type: 'string', default: 'pem' } } },
  async ({ values: { format }, positionals }, io) => {
    if (format !== 'pem' && format !== 'der') throw new UsageError(`There is no format ${JSON.stringify(format)}.`)
    const certificate = await authorityFault(readCertificate(resolve(io.cwd, authorityFolder(positionals))))
    io.stdout.write(format === 'pem' ? certificate.toString() : certificate.raw)
    return exit.ok
  },
)
