import { resolve } from 'node:path'
import { createAuthority } from '../certs/create-authority.ts'
import { keyFile, readCertificate } from '../certs/open-authority.ts'
import { authorityFault, authorityFolder } from './ca-folder.ts'
import { command, UsageError } from './command.ts'
import { exit } from './io.ts'

const usage = `Usage: turnpike ca init [DIR] [--only NAME]… [--name TEXT]

Makes a certificate authority in a folder: a P-256 key that this user alone can read,
and a certificate for ten years. Nothing is ever overwritten.

  DIR                    default: ca
      --only NAME        a domain, or a range of addresses, that it can sign for; those
                         who trust it take it at its word for nothing else. May be
                         repeated. Default: every name
      --name TEXT        what it calls itself, 64 characters at most
  -h, --help             shows this

Exit code: 0 it was made, 1 it could not be, 2 wrong usage.
`

const options = { only: { type: 'string', multiple: true }, name: { type: 'string' } } as const

/** `turnpike ca init`: makes an authority. */
export const caInit = command({ usage, options }, async ({ values, positionals }, io) => {
  const { only = [], name } = values
  const folder = authorityFolder(positionals)
  const absolute = resolve(io.cwd, folder)
  try {
    await authorityFault(createAuthority(absolute, { only, ...(name !== undefined && { name }) }))
  } catch (error) {
    if (error instanceof RangeError) throw new UsageError(`--only: ${error.message}.`, { cause: error })
    throw error
  }
  const certificate = await readCertificate(absolute)
  io.stdout.write(
    `An authority was made in ${folder}.\n` +
      `  fingerprint  ${certificate.fingerprint256} (SHA-256)\n` +
      `  valid until  ${certificate.validToDate.toISOString().slice(0, 10)}\n` +
      `  signs for    ${only.length === 0 ? 'every name' : `${only.join(', ')}, and what is below`}\n` +
      `  its key      ${folder}/${keyFile}: who has it can speak for those names to all who trust it\n` +
      `  trust it     turnpike ca trust ${folder}\n` +
      `  hand it out  turnpike ca export ${folder} > turnpike-ca.pem\n`,
  )
  return exit.ok
})
