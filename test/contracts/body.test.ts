import { bodyContract, type BodyTraits } from './body.ts'
import { filePipes } from './file-pipes.ts'
import { downstreamPipes, gatewayPipes, type Framings } from './http1-pipes.ts'
import { http2Pipes } from './http2-pipes.ts'
import { http2ThroughPipes } from './http2-upstream-pipes.ts'
import { multiplexedPipes } from './multiplexed-pipes.ts'
import { WINDOW } from './multiplexed.ts'

const stream: BodyTraits = { holds: WINDOW + 10_000, knowsLength: false, trailers: true }
bodyContract(
  'a stream among others of one multiplexed connection',
  { request: stream, reply: stream },
  multiplexedPipes,
)

/** Both kernels, one read of a socket, what its stream buffers, and one write. */
const HOLDS = 20_000 + 65_536 + 65_536 + 70_000

function http1(framings: Framings, hops: number): { request: BodyTraits; reply: BodyTraits } {
  const request = {
    holds: HOLDS * hops,
    knowsLength: framings.request === 'length',
    trailers: framings.request === 'chunked',
  }
  const reply = {
    holds: HOLDS * hops,
    knowsLength: framings.reply === 'length',
    trailers: framings.reply === 'chunked',
  }
  return { request, reply }
}

for (const framings of [
  { request: 'length', reply: 'length' },
  { request: 'chunked', reply: 'chunked' },
  { request: 'length', reply: 'close' },
] as const) {
  const how = `request by ${framings.request}, reply by ${framings.reply}`
  bodyContract(`HTTP/1 server connection, ${how}`, http1(framings, 1), downstreamPipes(framings))
  bodyContract(`HTTP/1 through the gateway, ${how}`, http1(framings, 2), gatewayPipes(framings))
}

/** Both windows of a stream, what the codec buffers on either side, and what a reply gathers. */
const http2: BodyTraits = { holds: 300_000, knowsLength: false, trailers: true }
bodyContract('HTTP/2 server connection', { request: http2, reply: http2 }, http2Pipes)

/** Those of two connections, of which an endpoint is given the larger window. */
const http2Through: BodyTraits = { ...http2, holds: 1_000_000 }
bodyContract('HTTP/2 through the engine', { request: http2Through, reply: http2Through }, http2ThroughPipes)

for (const known of [true, false]) {
  const file: BodyTraits = { holds: 20_000, knowsLength: known, trailers: false }
  bodyContract(`a file, ${known ? 'of known length' : 'to its end'}`, { request: file, reply: file }, filePipes(known))
}
