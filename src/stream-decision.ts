import type { Config } from './config/config.ts'
import { formatAddress } from './core/address.ts'
import { errorCodes } from './core/error-codes.ts'
import type { Decision } from './decision.ts'
import { StreamMatch } from './doors/gateway/streams/stream-match.ts'

/**
 * What the streams of a gateway would do with TLS for a name. Null where no listener has any: then nothing but HTTP is
 * spoken there. `named`: the listener that is asked about; undefined for the first with streams.
 */
export function decideStream(config: Config, host: string, named: string | undefined): Decision | null {
  const streams = (config.gateway?.streams ?? []).map((stream) => ({ stream, match: new StreamMatch(stream.match) }))
  const found = Object.entries(config.listeners).find(
    ([name, { door, mode, tls }]) =>
      door === 'gateway' && (tls !== undefined || mode === 'sni') && name === (named ?? name) && streams.length > 0,
  )
  if (found === undefined) return null
  const [name, { address, tls, mode, use }] = found
  const winner = streams.find(({ match }) => match.matches(name, host))?.stream
  const upstream = winner === undefined ? undefined : config.gateway?.upstreams[winner.to]
  // A listener with TLS of its own ends what no stream takes, and speaks HTTP.
  const code = mode === 'sni' ? 'ERR_NO_ROUTE' : 'ERR_CONNECT_NOT_ALLOWED'
  const { status, text: message } = errorCodes[code]
  const whole = (upstream?.endpoints ?? []).reduce((sum, { weight }) => sum + weight, 0)
  const endpoints = (upstream?.endpoints ?? []).map(({ url, weight }) => ({ url, share: weight / whole }))
  return {
    request: { method: 'CONNECT', host, path: '', query: '', matchPath: '' },
    listener: { name, address: formatAddress(address), tls: tls !== undefined },
    route:
      winner === undefined ? null : { name: winner.name, priority: 0, host: winner.match.sni.join(', '), path: '' },
    middleware: [...use, ...(config.gateway?.use ?? [])].map((each) =>
      'name' in each ? each.name : 'kind' in each ? each.kind : each.file,
    ),
    captures: {},
    serves: winner === undefined ? null : { kind: 'upstream', upstreams: [{ name: winner.to, share: 1, endpoints }] },
    error: winner === undefined ? { code, status, message, allow: [] } : null,
    losers: streams
      .filter(({ stream }) => stream !== winner)
      .map(({ stream, match }) => ({
        route: stream.name,
        reason: reasonOf(stream.match, match.matches(name, host), name),
      })),
  }
}

function reasonOf(
  { sni, listener }: { sni: readonly string[]; listener?: string | undefined },
  matches: boolean,
  asked: string,
): string {
  if (matches) return 'an earlier one takes it'
  return (listener ?? asked) === asked ? `it is for ${sni.join(', ')}` : `it is for the listener ${listener}`
}
