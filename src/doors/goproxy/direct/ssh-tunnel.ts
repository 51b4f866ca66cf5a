/**
 * A program of its own, which ssh starts as its ProxyCommand: `ssh-tunnel HOST PORT`. Reaches the host through the
 * DialProxy of the Turnpike that runs git (RFC 1928, RFC 1929), and passes bytes between that and ssh.
 */
import net from 'node:net'
import process from 'node:process'

const [host = '', port = ''] = process.argv.slice(2)
const { TURNPIKE_DIAL_PORT, TURNPIKE_DIAL_USER = '', TURNPIKE_DIAL_PASSWORD = '' } = process.env

const sized = (text: string): Buffer => Buffer.concat([Buffer.of(text.length), Buffer.from(text, 'latin1')])
const portBytes = Buffer.alloc(2)
portBytes.writeUInt16BE(Number(port))

/** Everything is said at once: what the proxy answers has one length each. */
const handshake = [
  Buffer.of(5, 1, 2),
  Buffer.concat([Buffer.of(1), sized(TURNPIKE_DIAL_USER), sized(TURNPIKE_DIAL_PASSWORD)]),
  Buffer.concat([Buffer.of(5, 1, 0, 3), sized(host.replaceAll(/[[\]]/g, '')), portBytes]),
]
/** Greeting, login, and a reply with an IPv4 address. */
const ANSWER_BYTES = 2 + 2 + 10

function fail(why: string): never {
  process.stderr.write(`${why}\n`)
  process.exit(1)
}

const socket = net.connect(Number(TURNPIKE_DIAL_PORT), '127.0.0.1')
let answer = Buffer.alloc(0)
socket.on('error', (error) => fail(error.message))
socket.on('close', () => process.exit(0))
process.stdin.on('error', () => process.exit(1))
process.stdout.on('error', () => process.exit(1))
socket.on('connect', () => socket.write(Buffer.concat(handshake)))
socket.on('data', function read(piece: Buffer) {
  answer = Buffer.concat([answer, piece])
  // RFC 1928 §6: the second byte of the reply says how it went.
  if (answer.length >= 6 && answer[5] !== 0) fail(`${host} could not be reached`)
  if (answer.length < ANSWER_BYTES) return
  socket.off('data', read)
  process.stdout.write(answer.subarray(ANSWER_BYTES))
  socket.pipe(process.stdout)
  process.stdin.pipe(socket)
})
socket.on('end', () => {
  if (answer.length < ANSWER_BYTES) fail(`${host} could not be reached`)
})
