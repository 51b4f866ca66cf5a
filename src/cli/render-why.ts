import { z } from 'zod'

/** What `/api/why/{id}` answers: a line of the access log, and what would be decided now. */
const answerSchema = z.object({
  request: z.looseObject({
    id: z.string(),
    time: z.string().optional(),
    client: z.string().optional(),
    peer: z.string().optional(),
    listener: z.string().optional(),
    tls: z.string().optional(),
    sni: z.string().optional(),
    method: z.string().optional(),
    host: z.string().optional(),
    path: z.string().optional(),
    query: z.boolean().optional(),
    route: z.string().optional(),
    upstream: z.string().optional(),
    endpoint: z.string().optional(),
    status: z.number().optional(),
    bytesIn: z.number().optional(),
    bytesOut: z.number().optional(),
    attempts: z.number().optional(),
    reused: z.boolean().optional(),
    failedAttempts: z.array(z.object({ endpoint: z.string(), cause: z.string(), afterMs: z.number() })).optional(),
    destination: z.string().optional(),
    hello: z
      .object({
        sni: z.string(),
        alpn: z.array(z.string()),
        tls: z.string(),
        ja4: z.string(),
        ech: z.string().optional(),
      })
      .optional(),
    cache: z.string().optional(),
    decisions: z.array(z.object({ by: z.string(), outcome: z.string(), tookMs: z.number() })).optional(),
    queueMs: z.number().optional(),
    cause: z.string().optional(),
    source: z.string().optional(),
    phase: z.string().optional(),
    detail: z.string().optional(),
    totalMs: z.number().optional(),
    connectMs: z.number().optional(),
    firstByteMs: z.number().optional(),
    bodyMs: z.number().optional(),
  }),
  explain: z
    .object({
      route: z.string().nullable(),
      refusal: z.string().nullable(),
      losers: z.array(z.object({ route: z.string(), reason: z.string() })),
    })
    .nullable(),
})

type Request = z.output<typeof answerSchema>['request']
type Row = [label: string, text: string]

const shownLosers = 12

/** The answer in plain words, a line for each thing that is known. */
export function renderWhy(body: unknown): string {
  const { request, explain } = answerSchema.parse(body)
  const rows: Row[] = [
    ['request', request.time === undefined ? request.id : `${request.id} at ${request.time}`],
    ...arrival(request),
    ...decision(request),
    ...outcome(request),
  ]
  if (explain !== null) {
    if (explain.refusal !== null) rows.push(['today', `it would be refused: ${explain.refusal}`])
    else if (explain.route === request.route) rows.push(['today', 'the same route would serve it'])
    else
      rows.push(['today', explain.route === null ? 'no route would serve it' : `route ${explain.route} would serve it`])
    for (const [index, { route, reason }] of explain.losers.slice(0, shownLosers).entries()) {
      rows.push([index === 0 ? 'not' : '', `${route}: ${reason}`])
    }
    const more = explain.losers.length - shownLosers
    if (more > 0) rows.push(['', `and ${more} more: --json shows all`])
  }
  return rows.map(([label, text]) => `${label.padEnd(10)} ${text}\n`).join('')
}

function arrival(request: Request): Row[] {
  const { client, peer, listener, tls, sni, method, host, path, query, destination, hello } = request
  const through = peer === undefined ? '' : ` through ${peer}`
  const secured = tls === undefined ? '' : `, ${tls}${sni === undefined || sni === '' ? '' : ` for ${sni}`}`
  // A tunnel's path is its host and port.
  const target = destination === undefined ? `${host ?? ''}${path ?? ''}` : path
  const rows: Row[] = [
    ['from', `${client ?? 'an unknown client'}${through} on listener ${listener ?? '?'}${secured}`],
    ['asked for', `${method ?? '?'} ${target}${query === true ? ' (and a query)' : ''}`],
  ]
  if (destination !== undefined) rows.push(['', `by ${destination}`])
  if (hello !== undefined) {
    const name = hello.sni === '' ? 'no name' : `${hello.ech === 'outer' ? 'outer name ' : ''}${hello.sni}`
    const protocols = hello.alpn.length === 0 ? '' : `, ${hello.alpn.join(' or ')}`
    rows.push(['hello', `${name}, ${hello.tls} at most${protocols}, JA4 ${hello.ja4}`])
  }
  return rows
}

function decision(request: Request): Row[] {
  const { route, upstream, endpoint, attempts, reused, failedAttempts = [], cache, decisions = [] } = request
  const rows: Row[] = [['route', route ?? 'none']]
  if (upstream !== undefined) rows.push(['upstream', upstream])
  if (endpoint !== undefined) {
    const connection = reused === undefined ? '' : reused ? ', on a connection that was open' : ', on a new connection'
    rows.push(['endpoint', `${endpoint}${connection}`])
  }
  if (attempts !== undefined)
    rows.push(['retries', attempts > 1 ? `${attempts - 1}: it was sent ${attempts} times` : 'none'])
  for (const { endpoint: tried, cause: why, afterMs } of failedAttempts)
    rows.push(['', `${tried} came to nothing after ${afterMs} ms: ${why}`])
  if (cache !== undefined) rows.push(['cache', cache])
  for (const [index, { by, outcome: said, tookMs }] of decisions.entries())
    rows.push([index === 0 ? 'asked' : '', `${by}: ${said} after ${tookMs} ms`])
  return rows
}

function outcome(request: Request): Row[] {
  const { status, bytesIn, bytesOut, cause, source, phase, detail, totalMs, connectMs, firstByteMs, bodyMs } = request
  const rows: Row[] = []
  const bytes = `${bytesIn ?? 0} bytes in, ${bytesOut ?? 0} bytes out`
  rows.push(['answered', status === undefined || status === 0 ? `not at all (${bytes})` : `${status} (${bytes})`])
  if (cause !== undefined) {
    rows.push(['cause', `${cause}: ${detail ?? ''}`])
    rows.push(['', `failed: the ${source === 'turnpike' ? 'proxy itself' : source}, in phase ${phase}`])
  }
  const parts: string[] = []
  if (request.queueMs !== undefined) parts.push(`${request.queueMs} ms in the upstream's queue`)
  if (connectMs !== undefined) parts.push(`${connectMs} ms until a connection was at hand`)
  if (firstByteMs !== undefined) parts.push(`${firstByteMs} ms until the first byte of the reply`)
  if (bodyMs !== undefined) parts.push(`${bodyMs} ms for the rest`)
  if (totalMs !== undefined) rows.push(['took', `${totalMs} ms${parts.length > 0 ? `: ${parts.join(', ')}` : ''}`])
  return rows
}
