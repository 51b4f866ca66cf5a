import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { ClientHelloReader } from '../../../src/wire/client-hello.ts'
import { portOf } from '../peers/free-port.ts'

/** The first bytes that a real client sends to a port of this machine, up to the end of its ClientHello. */
export async function captureHello(
  command: (port: number) => readonly [program: string, ...args: string[]],
): Promise<Buffer> {
  const captured = Promise.withResolvers<Buffer>()
  const server = createServer((socket) => {
    const reader = new ClientHelloReader()
    const chunks: Buffer[] = []
    socket.on('error', () => {})
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      if (reader.read(chunk) === 'more') return
      captured.resolve(Buffer.concat(chunks))
      socket.destroy()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const port = portOf(server)
  const [program, ...args] = command(port)
  const child = spawn(program, args, { stdio: ['pipe', 'ignore', 'pipe'] })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text))
  child.stdin.on('error', () => {})
  child.on('error', captured.reject)
  const gone = once(child, 'close').then(() => captured.reject(new Error(`${program} sent no ClientHello: ${said}`)))
  try {
    return await captured.promise
  } finally {
    child.kill('SIGKILL')
    server.close()
    await gone
  }
}

/** The same handshake message in records of so many bytes (RFC 8446 §5.1). */
export function reframed(records: Buffer, size: number): Buffer {
  const message: Buffer[] = []
  for (let at = 0; at < records.length; at += 5 + records.readUInt16BE(at + 3))
    message.push(records.subarray(at + 5, at + 5 + records.readUInt16BE(at + 3)))
  const whole = Buffer.concat(message)
  const parts: Buffer[] = []
  for (let at = 0; at < whole.length; at += size) {
    const fragment = whole.subarray(at, at + size)
    parts.push(Buffer.from([22, 3, 1, fragment.length >> 8, fragment.length & 255]), fragment)
  }
  return Buffer.concat(parts)
}
