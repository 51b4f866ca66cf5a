/* Run by a test with a low `ulimit -n`: uses descriptors up, gives them back, and prints what was seen. */
import { once } from 'node:events'
import { spawn } from 'node:child_process'
import { Dialler } from '../../src/engine/dial/dial.ts'
import { Ledger } from '../../src/engine/ledger.ts'
import { Listener } from '../../src/engine/listen/listener.ts'
import { realWorld } from '../../src/engine/real-world.ts'
import { TimerWheel } from '../../src/engine/timers.ts'
import type { Socket } from '../../src/engine/world.ts'

const clientProgram = `
const net = require('node:net')
const port = Number(process.argv[1])
const sockets = []
let pending = ''
process.stdin.on('data', async (command) => {
  if (String(command).startsWith('close')) { for (const s of sockets.splice(0)) s.destroy(); return console.log('closed') }
  const answers = []
  for (let i = 0; i < Number(command); i++) {
    const s = net.connect(port, '127.0.0.1')
    s.on('error', () => {})
    sockets.push(s)
    s.write('x')
    answers.push(await new Promise((resolve) => { let t = ''; s.on('data', (d) => { resolve(String(d).split('\\r')[0]); if (String(d).startsWith('503')) s.destroy() }); s.on('close', () => resolve('lost')) }))
  }
  console.log(JSON.stringify(answers))
})`

const world = realWorld()
const ledger = new Ledger()
const wheel = new TimerWheel(world, ledger)
const dialler = new Dialler(world, wheel, ledger)
let reports = 0
const open = new Set<Socket>()
const settings = { connections: 10_000, proxyProtocol: null, tls: null }
const listener = new Listener(
  'few',
  { kind: 'tcp', host: '127.0.0.1', port: 0 },
  settings,
  { world, wheel, ledger },
  {
    connection(socket) {
      open.add(socket)
      socket.on('close', () => open.delete(socket))
      socket.on('data', () => socket.write('held\r', 'latin1'))
      socket.on('end', () => socket.end())
      socket.resume()
    },
    refused: () => {},
    failed: () => reports++,
    refusal: (error) => `503 ${error.code}\r\n`,
  },
)
const bound = await listener.listen()
const port = bound.kind === 'tcp' ? bound.port : 0
const clients = spawn(process.execPath, ['-e', clientProgram, String(port)], { stdio: ['pipe', 'pipe', 'inherit'] })

async function ask(command: string): Promise<string> {
  clients.stdin.write(command)
  const [line] = await once(clients.stdout, 'data')
  return String(line).trim()
}

function dial(): Promise<string> {
  return new Promise((resolve) => {
    dialler.dial(
      { kind: 'tcp', host: '127.0.0.1', port },
      { connectMs: 1_000, tls: null, tlsMs: 0 },
      {
        connected(connection) {
          connection.socket.destroy()
          resolve('connected')
        },
        failed: (error) => resolve(error.code),
      },
    )
  })
}

const answers: string[] = JSON.parse(await ask('90'))
const held = answers.filter((answer) => answer === 'held').length
const refused = answers.filter((answer) => answer === '503 ERR_DESCRIPTORS').length
const dialled = await dial()
const seenReports = reports
await ask('close')
while (open.size > 0) await new Promise((resolve) => setTimeout(resolve, 5))
const again: string[] = JSON.parse(await ask('20'))
const dialAgain = await dial()
await ask('close')
clients.stdin.end()
clients.kill()
await listener.close()
while (ledger.count('clientSockets') > 0) await new Promise((resolve) => setTimeout(resolve, 5))
process.stdout.write(
  JSON.stringify({
    held: held > 20 && held < 90 ? 'held until the limit is near' : `held ${held}`,
    refused: held + refused === 90 ? '503 ERR_DESCRIPTORS for each of the rest' : answers,
    dial: dialled,
    reports: seenReports,
    again: again.every((answer) => answer === 'held') ? 'served' : again,
    dialAgain,
    clientSockets: ledger.count('clientSockets'),
  }),
)
