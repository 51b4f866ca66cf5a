import type { Config } from './config/config.ts'
import { formatAddress } from './core/address.ts'
import type { ErrorCode } from './core/error-codes.ts'
import { TurnpikeError } from './core/error.ts'
import type { RouteRequest } from './doors/gateway/condition.ts'
import type { Explanation } from './doors/gateway/explanation.ts'
import { normalisePath, type NormalTarget } from './policy/normalise-path.ts'
import { queryValue } from './doors/gateway/request-view.ts'
import { RedirectTarget } from './doors/gateway/redirect.ts'
import type { Route } from './doors/gateway/route.ts'
import { Router } from './doors/gateway/router.ts'
import { hostOf } from './engine/http1/ingress.ts'
import { errorOf, passed } from './decision-parts.ts'
import { decideForward } from './forward-decision.ts'
import { decideStream } from './stream-decision.ts'

type RoutedConfig = NonNullable<Config['gateway']>['routes'][number]

/** A request that has not been sent. */
export interface Question {
  method: string
  /** `https://host/path?query`, or the path alone; `host:port` for CONNECT. */
  url: string
  /** Names in any case. `host` stands above the URL's. */
  headers?: readonly (readonly [name: string, value: string])[]
  /**
   * Default: the gateway's listener of the URL's port and scheme, else of its scheme, else its first; for CONNECT, and
   * where there is no gateway, the forward proxy's or the module proxy's first.
   */
  listener?: string
  /** Who asks, of a forward proxy. Default: nobody who has logged in, from `127.0.0.1`. */
  user?: string
  from?: string
  /** The name in the ClientHello of a tunnel, '' for none. Default: it has not been read. */
  sni?: string
  /** Addresses of the host, where rules of a forward proxy ask for them. Default: none. */
  addresses?: readonly string[]
  /** When it is asked, ms since 1970. Default: now. */
  wallMs?: number
}

/** What would become of it. */
export interface Decision {
  request: { method: string; host: string; path: string; query: string; matchPath: string }
  listener: { name: string; address: string; tls: boolean }
  /** Null where no route serves it. */
  route: { name: string; priority: number; host: string; path: string } | null
  /** The rule of a forward proxy that decides, or `default`; absent elsewhere. */
  rule?: string
  /** What it passes, in order: names, kinds of what is written in place, modules. */
  middleware: string[]
  captures: Record<string, string>
  serves: Serves | null
  /** Null where it is served. */
  error: { code: ErrorCode; status: number; message: string; allow: string[] } | null
  /** Routes that came near, the nearest first; rules before the one that decides, in their order. */
  losers: { route: string; reason: string }[]
}

/** Who answers. `share` is the part of the requests that an upstream or an endpoint gets, from 0 to 1. */
export type Serves =
  | { kind: 'upstream'; upstreams: { name: string; share: number; endpoints: { url: string; share: number }[] }[] }
  | { kind: 'redirect'; status: number; location: string }
  | { kind: 'respond'; status: number; body: string }
  | { kind: 'goproxy'; mount: string }
  | {
      kind: 'forward'
      /** Host and port that are connected to. */
      target: string
      /** Names of the parents that it goes through, the nearest one first. */
      parents: string[]
      /** TLS in the tunnel is ended here. */
      intercept: boolean
      /** The ClientHello is read, and the rules are asked again. */
      readsHello: boolean
      /** Rules that another ClientHello could let match. */
      open: string[]
    }

/**
 * What this config would do with a request, by the code that serves. Throws RangeError for what is no request, or for
 * a listener that is not there.
 */
export function decide(config: Config, question: Question): Decision {
  const proxy = proxyListener(config, question)
  if (proxy !== null && config.listeners[proxy]!.door === 'forward') return decideForward(config, proxy, question)
  if (proxy !== null) return decideModules(config, proxy, question)
  const stream = question.method === 'CONNECT' ? decideStream(config, hostOf(question.url), question.listener) : null
  if (stream !== null) return stream
  const asked = readUrl(question.url)
  const listener = chooseListener(config, question.listener, asked)
  const headers = (question.headers ?? []).map(([name, value]) => [name.toLowerCase(), value] as const)
  const host = hostOf(headers.find(([name]) => name === 'host')?.[1] ?? asked.authority)
  const { method } = question
  let target: NormalTarget
  try {
    if (method === 'CONNECT') throw new TurnpikeError('ERR_CONNECT_NOT_ALLOWED')
    target = normalisePath(asked.target)
  } catch (error) {
    if (!(error instanceof TurnpikeError)) throw error
    const request = { method, host, path: '', query: '', matchPath: '' }
    return {
      request,
      listener,
      route: null,
      middleware: [],
      captures: {},
      serves: null,
      error: errorOf(error),
      losers: [],
    }
  }
  const router = Router.compile(config.gateway?.routes ?? [], (route) => route)
  const { path, query, matchPath, laxPath } = target
  const request: RouteRequest = {
    listener: listener.name,
    host,
    method,
    path: matchPath,
    laxPath,
    header(name) {
      const values = headers.filter(([each]) => each === name).map(([, value]) => value)
      return values.length === 0 ? undefined : values.join(', ')
    },
    query: (name) => queryValue(new URLSearchParams(query), name),
  }
  return {
    request: { method, host, path, query, matchPath },
    listener,
    ...answer(config, router.explain(request), target, { host, listener }),
  }
}

function answer(
  config: Config,
  { winner, refusal, losers }: Explanation<RoutedConfig>,
  target: NormalTarget,
  by: { host: string; listener: Decision['listener'] },
): Omit<Decision, 'request' | 'listener'> {
  const lost = losers.map(({ route, reason }) => ({ route: route.name, reason }))
  if (winner === null) {
    const error = new TurnpikeError(refusal!.code, { allow: refusal!.allow.join(', ') })
    const middleware = passed(config, by.listener.name, [])
    return { route: null, middleware, captures: {}, serves: null, error: errorOf(error), losers: lost }
  }
  const { name, priority, host, path } = winner
  let serves: Serves | null = null
  let error: Decision['error'] = null
  try {
    serves = servesOf(config, winner, target, { host: by.host, tls: by.listener.tls })
  } catch (thrown) {
    if (!(thrown instanceof TurnpikeError)) throw thrown
    error = errorOf(thrown)
  }
  return {
    route: { name, priority, host: host.text, path: path.text },
    middleware: passed(config, by.listener.name, winner.target.use),
    captures: Object.fromEntries(path.captures(target.matchPath)),
    serves,
    error,
    losers: lost,
  }
}

function servesOf(
  config: Config,
  route: Route<RoutedConfig>,
  { path, query, matchPath }: NormalTarget,
  { host, tls }: { host: string; tls: boolean },
): Serves {
  const { redirect, respond, to } = route.target
  if (redirect !== undefined) {
    const session = { scheme: tls ? 'https' : 'http' } as const
    const location = new RedirectTarget(redirect).location({ session, host, path, query }, route.path, matchPath)
    return { kind: 'redirect', status: redirect.status, location }
  }
  if (respond !== undefined) return { kind: 'respond', status: respond.status, body: respond.body }
  if (to !== undefined && 'goproxy' in to) return { kind: 'goproxy', mount: to.goproxy.mount ?? '' }
  const upstreams = shares(to ?? []).map(({ upstream, share }) => {
    const endpoints = shares(config.gateway?.upstreams[upstream]?.endpoints ?? [])
    return { name: upstream, share, endpoints: endpoints.map((each) => ({ url: each.url, share: each.share })) }
  })
  return { kind: 'upstream', upstreams }
}

function shares<T extends { weight: number }>(weighted: readonly T[]): (T & { share: number })[] {
  const whole = weighted.reduce((sum, { weight }) => sum + weight, 0)
  return weighted.map((each) => ({ ...each, share: whole === 0 ? 0 : each.weight / whole }))
}

interface AskedUrl {
  /** '' for a path alone. */
  scheme: '' | 'http' | 'https'
  authority: string
  /** As a client would send it. */
  target: string
}

/** Takes a URL apart without normalising it: that is what is to be shown. */
function readUrl(url: string): AskedUrl {
  // A client keeps the fragment to itself and escapes what is not ASCII.
  const sent = url.split('#', 1)[0]!.replace(/[\u{80}-\u{10ffff}]+/gu, encodeURIComponent)
  if (sent.startsWith('/') || sent === '*') return { scheme: '', authority: '', target: sent }
  const [, scheme, authority, rest] = /^(https?):\/\/([^/?]+)(.*)$/i.exec(sent) ?? []
  if (scheme === undefined || authority === undefined || rest === undefined) {
    throw new RangeError(`${JSON.stringify(url)} is neither a URL with http:// or https:// nor a path`)
  }
  const target = rest.startsWith('/') ? rest : `/${rest}`
  return { scheme: scheme.toLowerCase() === 'https' ? 'https' : 'http', authority, target }
}

/** The listener of a forward proxy or of a module proxy that is meant, null where a gateway's is. */
function proxyListener({ listeners }: Config, { method, url, listener }: Question): string | null {
  if (listener !== undefined) return listener in listeners && listeners[listener]!.door !== 'gateway' ? listener : null
  const all = Object.entries(listeners)
  const first = (door: string): string | null => all.find(([, each]) => each.door === door)?.[0] ?? null
  if (method === 'CONNECT') return first('forward')
  if (first('gateway') !== null) return null
  return url.startsWith('/') ? (first('goproxy') ?? first('forward')) : (first('forward') ?? first('goproxy'))
}

/** The module proxy takes every path: which module and version it names is for `doctor goproxy` to say. */
function decideModules(config: Config, name: string, { method, url }: Question): Decision {
  const { address, tls } = config.listeners[name]!
  const { authority, target } = readUrl(url)
  const [path = '', query] = target.split('?', 2)
  return {
    request: { method, host: hostOf(authority), path, query: query === undefined ? '' : `?${query}`, matchPath: path },
    listener: { name, address: formatAddress(address), tls: tls !== undefined },
    route: null,
    middleware: passed(config, name, []),
    captures: {},
    serves: { kind: 'goproxy', mount: '' },
    error: null,
    losers: [],
  }
}

function chooseListener(
  config: Config,
  named: string | undefined,
  { scheme, authority }: AskedUrl,
): Decision['listener'] {
  const listeners = Object.entries(config.listeners).filter(([, { door }]) => door === 'gateway')
  const port = Number(/:(\d+)$/.exec(authority)?.[1] ?? (scheme === 'https' ? 443 : 80))
  const ofScheme = listeners.filter(([, { tls }]) => scheme === '' || (tls !== undefined) === (scheme === 'https'))
  const chosen =
    named === undefined
      ? (ofScheme.find(([, { address }]) => address.kind === 'tcp' && address.port === port) ??
        ofScheme[0] ??
        listeners[0])
      : listeners.find(([name]) => name === named)
  if (chosen === undefined) {
    throw new RangeError(
      named === undefined ? 'the config has no gateway listener' : `there is no listener ${JSON.stringify(named)}`,
    )
  }
  const [name, { address, tls }] = chosen
  return { name, address: formatAddress(address), tls: tls !== undefined }
}
