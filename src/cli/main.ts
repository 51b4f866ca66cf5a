#!/usr/bin/env node
import { exit, type CliIo } from './io.ts'

type Command = (args: string[], io: CliIo) => Promise<number>

/** Each command's module is loaded only when it is asked for. */
const commands: Record<string, { summary: string; load: () => Promise<Command> }> = {
  run: { summary: 'run a config', load: async () => (await import('./run.ts')).run },
  gateway: { summary: 'a reverse proxy in one line', load: async () => (await import('./gateway.ts')).gateway },
  goproxy: { summary: 'a Go module proxy in one line', load: async () => (await import('./goproxy.ts')).goproxy },
  forward: { summary: 'a forward proxy in one line', load: async () => (await import('./forward.ts')).forward },
  doctor: {
    summary: 'examine a chain of Go module proxies',
    load: async () => (await import('./doctor.ts')).doctor,
  },
  env: { summary: 'print what makes a shell use it', load: async () => (await import('./env.ts')).env },
  check: { summary: 'check a config without running it', load: async () => (await import('./check.ts')).check },
  explain: {
    summary: 'say which route would serve a request',
    load: async () => (await import('./explain.ts')).explain,
  },
  reload: {
    summary: 'have the running process read its config again',
    load: async () => (await import('./reload.ts')).reload,
  },
  status: { summary: 'say how the running process is', load: async () => (await import('./status.ts')).status },
  replay: { summary: 'send recorded requests again', load: async () => (await import('./replay.ts')).replay },
  why: { summary: 'say what became of a request', load: async () => (await import('./why.ts')).why },
  ca: {
    summary: 'the local certificate authority: make it, hand it out, trust it',
    load: async () => (await import('./ca.ts')).ca,
  },
  'hash-password': {
    summary: 'make the hash of a password',
    load: async () => (await import('./hash-password.ts')).hashPassword,
  },
  demo: { summary: 'run an example with services of its own', load: async () => (await import('./demo.ts')).demo },
}

const help = `turnpike: an edge proxy

Usage: turnpike COMMAND [OPTIONS]

${Object.entries(commands)
  .map(([name, { summary }]) => `  ${name.padEnd(14)} ${summary}`)
  .join('\n')}

turnpike COMMAND --help says more. turnpike --version prints the version.
`

async function main(args: string[], io: CliIo): Promise<number> {
  const [name, ...rest] = args
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    ;(name === undefined ? io.stderr : io.stdout).write(help)
    return name === undefined ? exit.usage : exit.ok
  }
  if (name === '--version' || name === '-V') {
    const { version } = await import('../control/version.ts')
    io.stdout.write(`${version()}\n`)
    return exit.ok
  }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined
  if (command === undefined) {
    const { nearest } = await import('../core/nearest.ts')
    const close = nearest(name, Object.keys(commands))
    io.stderr.write(
      `turnpike: there is no command "${name}"${close === undefined ? '' : `; did you mean "${close}"?`}\n`,
    )
    io.stderr.write('turnpike --help lists them.\n')
    return exit.usage
  }
  return (await command.load())(rest, io)
}

const io: CliIo = {
  stdout: process.stdout,
  stderr: process.stderr,
  // `npm run` changes to the project's folder and says here where the caller stood.
  cwd: process.env['INIT_CWD'] ?? process.cwd(),
  env: process.env,
}

// Whoever read it is gone, as with `2>&1 | head`: a proxy serves on.
process.stderr.on('error', () => {})

try {
  process.exitCode = await main(process.argv.slice(2), io)
} catch (error) {
  process.stderr.write(
    `turnpike: a bug of ours: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  )
  process.exitCode = exit.bug
}
