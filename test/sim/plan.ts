import type { Random } from './random.ts'
import { plainWire, type WireStyle } from './wire.ts'

/** What a client does wrong with a request, or how it leaves. All but `none` end its connection. */
export type ClientFault =
  | 'none'
  | 'garbage'
  | 'two-framings'
  | 'bad-chunk'
  | 'half-head'
  | 'stalls-in-head'
  | 'half-body'
  | 'resets-in-body'
  | 'stalls-in-body'
  | 'leaves'
  | 'resets'
  | 'half-closes'
  | 'stops-reading'

/** What an origin does wrong with a reply. */
export type OriginFault =
  | 'none'
  | 'closes-unread'
  | 'closes'
  | 'resets'
  | 'half-head'
  | 'garbage'
  | 'two-framings'
  | 'silent'
  | 'truncates'
  | 'resets-in-body'
  | 'stalls-in-body'
  | 'bad-chunk'
  | 'switches'
  | 'too-much'

export type Framing = 'none' | 'length' | 'chunked' | 'close'

export interface ReplyPlan {
  status: number
  framing: Framing
  size: number
  trailers: boolean
  interims: number[]
  /** Replies before it has read the request's body. */
  early: boolean
  /** Whether the connection ends after it, and whether that was said. */
  closes: 'no' | 'announced' | 'silently'
  delayMs: number
  fault: OriginFault
  /** Only the first try meets the fault. */
  faultOnce: boolean
}

export interface ExchangePlan {
  id: number
  method: string
  versionMinor: 0 | 1
  keepsAlive: boolean
  framing: Framing
  size: number
  trailers: boolean
  acceptsTrailers: boolean
  expects: boolean
  upgrades: boolean
  fault: ClientFault
  /** Where in head or body the fault strikes, from 0 to 1. */
  faultAt: number
  reply: ReplyPlan
}

export interface ClientPlan {
  startsMs: number
  /** Requests sent before the reply to the first is awaited. */
  depth: number
  /** Pause before each request, ms. */
  thinkMs: number
  /** How long it waits between two reads; 0 for none. */
  readsEveryMs: number
  style: WireStyle
  exchanges: ExchangePlan[]
}

/** What becomes of the dials of a life. */
export type DialTrouble = 'none' | 'refuses' | 'descriptors' | 'hangs' | 'unroutable' | 'unknown-name' | 'slow-name'

export interface LifePlan {
  clients: ClientPlan[]
  originStyle: WireStyle
  unixOrigin: boolean
  namedOrigin: boolean
  poolMax: number
  dialTrouble: DialTrouble
  /** Timers come late and the clock jumps. */
  busy: boolean
  drainsAtMs: number
  /** The upstream queues, retries, times the whole and breaks circuits. */
  policies: boolean
}

const sizes = { none: [0, 0], small: [1, 400], medium: [400, 7000], large: [20_000, 110_000] } as const

/** The whole life of a handful of connections, drawn from a seed's chance before anything happens. */
export function planLife(random: Random): LifePlan {
  let nextId = 1
  const clients = Array.from({ length: random.between(1, 4) }, (): ClientPlan => {
    const count = random.chance(0.3) ? 1 : random.between(1, 5)
    const exchanges: ExchangePlan[] = []
    while (exchanges.length < count) {
      const exchange = planExchange(random, nextId++)
      exchanges.push(exchange)
      if (exchange.fault !== 'none' || !exchange.keepsAlive || exchange.upgrades) break
    }
    const style = planStyle(random)
    // What is waiting for a client leaves as one write: one that takes it too slowly stalls.
    const slow = style.capacity >= 4096 && random.chance(0.2)
    return {
      startsMs: random.chance(0.5) ? 0 : random.between(0, 60),
      depth: random.chance(0.35) ? random.between(2, 5) : 1,
      thinkMs: random.chance(0.7) ? 0 : random.between(0, 80),
      readsEveryMs: slow ? random.between(1, 20) : 0,
      style,
      exchanges,
    }
  })
  return {
    clients,
    originStyle: planStyle(random),
    unixOrigin: random.chance(0.1),
    namedOrigin: random.chance(0.15),
    poolMax: random.chance(0.2) ? random.between(1, 2) : 16,
    dialTrouble: random.weighted({
      none: 80,
      refuses: 4,
      descriptors: 2,
      hangs: 3,
      unroutable: 2,
      'unknown-name': 2,
      'slow-name': 2,
    }),
    busy: random.chance(0.1),
    drainsAtMs: random.chance(0.1) ? random.between(0, 300) : Infinity,
    policies: random.chance(0.25),
  }
}

function planExchange(random: Random, id: number): ExchangePlan {
  const method = random.weighted({ GET: 5, HEAD: 1, POST: 3, PUT: 2, DELETE: 1 })
  const withBody = method === 'POST' || method === 'PUT' || (method === 'GET' && random.chance(0.1))
  const versionMinor = random.chance(0.1) ? 0 : 1
  const framing = !withBody ? 'none' : versionMinor === 1 && random.chance(0.5) ? 'chunked' : 'length'
  const size = framing === 'none' ? 0 : planSize(random)
  const upgrades = method === 'GET' && versionMinor === 1 && !withBody && random.chance(0.08)
  return {
    id,
    method,
    versionMinor,
    keepsAlive: random.chance(0.9),
    framing,
    size,
    trailers: framing === 'chunked' && random.chance(0.3),
    acceptsTrailers: random.chance(0.3),
    expects: withBody && versionMinor === 1 && random.chance(0.15),
    upgrades,
    fault: upgrades ? 'none' : planClientFault(random, size === 0 ? 'none' : framing),
    faultAt: random.next(),
    reply: planReply(random, method, withBody),
  }
}

function planClientFault(random: Random, framing: Framing): ClientFault {
  if (random.chance(0.82)) return 'none'
  const anywhere = [
    'garbage',
    'two-framings',
    'half-head',
    'stalls-in-head',
    'leaves',
    'resets',
    'half-closes',
  ] as const
  const inBody = ['half-body', 'resets-in-body', 'stalls-in-body'] as const
  if (framing !== 'none' && random.chance(0.5)) {
    return framing === 'chunked' && random.chance(0.3) ? 'bad-chunk' : random.pick(inBody)
  }
  return random.chance(0.12) ? 'stops-reading' : random.pick(anywhere)
}

function planReply(random: Random, method: string, withBody: boolean): ReplyPlan {
  const status = random.weighted({ 200: 12, 404: 1, 500: 1, 204: 1, 304: 1 })
  const framing = status === '204' || status === '304' ? 'none' : random.weighted({ length: 5, chunked: 4, close: 1 })
  const interims = random.chance(0.9) ? [] : Array.from({ length: random.between(1, 3) }, () => random.pick([100, 103]))
  const size = framing === 'none' ? 0 : planSize(random)
  return {
    status: Number(status),
    framing,
    size,
    trailers: framing === 'chunked' && random.chance(0.3),
    interims,
    early: withBody && random.chance(0.15),
    closes: framing === 'close' ? 'silently' : random.weighted({ no: 8, announced: 1, silently: 1 }),
    delayMs: random.chance(0.6) ? 0 : random.between(0, 40),
    fault: planOriginFault(random, method, framing, size),
    faultOnce: random.chance(0.5),
  }
}

function planOriginFault(random: Random, method: string, framing: Framing, size: number): OriginFault {
  if (random.chance(0.8)) return 'none'
  const inHead = [
    'closes-unread',
    'closes',
    'resets',
    'half-head',
    'garbage',
    'two-framings',
    'silent',
    'switches',
  ] as const
  if (method === 'HEAD' || framing === 'none' || size === 0 || random.chance(0.5)) {
    return framing !== 'close' && random.chance(0.1) ? 'too-much' : random.pick(inHead)
  }
  if (framing === 'chunked' && random.chance(0.25)) return 'bad-chunk'
  if (framing === 'close') return random.pick(['resets-in-body', 'stalls-in-body'] as const)
  return random.pick(['truncates', 'resets-in-body', 'stalls-in-body'] as const)
}

function planSize(random: Random): number {
  const [low, high] = sizes[random.weighted({ none: 10, small: 130, medium: 30, large: 3 })]
  return random.between(low, high)
}

function planStyle(random: Random): WireStyle {
  const coalesces = random.chance(0.5)
  if (random.chance(0.4)) return { ...plainWire, gapMs: coalesces ? 0 : random.next(), coalesces }
  const segment = random.pick([1, 3, 40, 1460, 20_000])
  return {
    capacity: random.pick([600, 4096, 65_536]),
    segment,
    gapMs: segment < 40 ? 0.02 : random.pick([0, 0.3, 3]),
    coalesces,
    lateWrites: random.chance(0.4),
    resetErases: random.chance(0.5),
  }
}
