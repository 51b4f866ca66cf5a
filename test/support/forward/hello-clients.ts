import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { TestContext } from 'node:test'
import { captureHello } from './capture-hello.ts'

type Command = Parameters<typeof captureHello>[0]

/** Software that says hello for `real.test`, offering h2 and http/1.1. */
export interface HelloClient {
  name: string
  /** What must be installed. */
  program: string
  /** Its first bytes, up to the end of the ClientHello. */
  readonly capture: (t: TestContext) => Promise<Buffer>
}

const byCommand =
  (command: Command): HelloClient['capture'] =>
  () =>
    captureHello(command)

const byNode = (program: string): HelloClient['capture'] =>
  byCommand((port) => [
    program,
    '-e',
    `require('tls').connect({ port: ${port}, host: '127.0.0.1', servername: 'Real.Test', ALPNProtocols: ['h2', 'http/1.1'] }).on('error', () => {})`,
  ])

export const helloClients: readonly HelloClient[] = [
  {
    name: 'OpenSSL',
    program: 'openssl',
    capture: byCommand((port) => [
      'openssl',
      's_client',
      '-connect',
      `127.0.0.1:${port}`,
      '-servername',
      'Real.Test',
      '-alpn',
      'h2,http/1.1',
    ]),
  },
  {
    name: 'GnuTLS',
    program: 'gnutls-cli',
    capture: byCommand((port) => [
      'gnutls-cli',
      '--insecure',
      '--sni-hostname=real.test',
      '--alpn=h2',
      '--alpn=http/1.1',
      `--port=${port}`,
      '127.0.0.1',
    ]),
  },
  {
    name: 'curl',
    program: 'curl',
    capture: byCommand((port) => [
      'curl',
      '-sk',
      '--resolve',
      `real.test:${port}:127.0.0.1`,
      `https://real.test:${port}/`,
    ]),
  },
  { name: `Node ${process.version}`, program: 'sh', capture: byNode(process.execPath) },
  // Beside the one that runs the tests, the system's own where it has one.
  ...['/usr/bin/node'].filter(existsSync).map((program) => ({
    name: `Node ${execFileSync(program, ['--version'], { encoding: 'utf8' }).trim()}`,
    program: 'sh',
    capture: byNode(program),
  })),
]

/** Post-quantum, with GREASE and ECH GREASE. */
export const chromium: HelloClient = {
  name: 'Chromium',
  program: 'chromium',
  capture(t) {
    const folder = mkdtempSync(path.join(tmpdir(), 'turnpike-hello-'))
    t.after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 10 }))
    return captureHello((port) => [
      'chromium',
      ...'--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking'.split(' '),
      `--user-data-dir=${folder}`,
      '--host-resolver-rules=MAP real.test 127.0.0.1, MAP * ~NOTFOUND',
      `https://real.test:${port}/`,
    ])
  },
}
