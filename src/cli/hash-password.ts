import { randomBytes, scrypt } from 'node:crypto'
import { createInterface } from 'node:readline/promises'
import { text } from 'node:stream/consumers'
import { Writable } from 'node:stream'
import { formatScrypt, scryptBytes } from '../core/password-hash.ts'
import { command, FaultError, noPositionals } from './command.ts'
import { exit, type CliIo } from './io.ts'

const usage = `Usage: turnpike hash-password

Makes the hash of a password, for the users of a basicAuth. The password is asked for on a terminal
without being shown, twice; else it is read from standard input, without the newline at its end.

  turnpike hash-password > secrets/alice
`

/** 32 MiB and some hundred milliseconds: what OWASP asks of scrypt at the least. */
const parameters = { cost: 2 ** 15, blockSize: 8, parallelization: 3 }

export const hashPassword = command({ usage, options: {} }, async ({ positionals }, io) => {
  noPositionals(positionals)
  const password = process.stdin.isTTY ? await askTwice(io) : (await text(process.stdin)).replace(/\r?\n$/, '')
  if (password === '') throw new FaultError('The password is empty.')
  const salt = randomBytes(16)
  io.stdout.write(`${formatScrypt({ kind: 'scrypt', ...parameters, salt, key: await keyOf(password, salt) })}\n`)
  return exit.ok
})

function keyOf(password: string, salt: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(password, salt, 32, { ...parameters, maxmem: 2 * scryptBytes(parameters) }, (error, key) => {
      if (error === null) resolve(key)
      else reject(error)
    })
  })
}

async function askTwice(io: CliIo): Promise<string> {
  // What the terminal would show of the typing goes nowhere.
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() })
  const terminal = createInterface({ input: process.stdin, output: silent, terminal: true })
  try {
    io.stderr.write('Password: ')
    const first = await terminal.question('')
    io.stderr.write('\nOnce more: ')
    const second = await terminal.question('')
    io.stderr.write('\n')
    if (first !== second) throw new FaultError('They are not the same.')
    return first
  } finally {
    terminal.close()
  }
}
