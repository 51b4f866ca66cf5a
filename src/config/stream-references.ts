import { suggestion } from '../core/config-fields.ts'
import { nearest } from '../core/nearest.ts'
import { renderPath, type Path } from './errors.ts'
import { writtenMiddleware } from './middleware-places.ts'
import type { Finding } from './source.ts'
import { treeOf, type Tree } from './tree.ts'

/**
 * What is wrong with the streams of an unchecked config: names, the upstreams that they lead to, listeners on which
 * there is nothing to pass on. `tcp://` endpoints are for streams, and for nothing else.
 */
export function findStreamReferences(data: unknown): Finding[] {
  const root = treeOf(data)
  const gateway = treeOf(root['gateway'])
  const upstreams = new Map(
    Object.entries(treeOf(gateway['upstreams'])).map(([name, each]) => [name, kindOf(treeOf(each))] as const),
  )
  const streams = list(gateway['streams'])
  const names = new Set(list(gateway['routes']).map(({ name }) => name))
  const findings: Finding[] = []
  const report: Report = (path, message, code = 'ERR_CONFIG_INVALID', part = 'value') =>
    findings.push({ path, part, code, message: `${renderPath(path)}: ${message}` })

  for (const [index, { name, to, match }] of streams.entries()) {
    const path: Path = ['gateway', 'streams', index]
    if (typeof name === 'string' && names.has(name))
      report([...path, 'name'], `another route or stream is called ${JSON.stringify(name)} too`)
    names.add(name)
    if (typeof to === 'string') checkUpstream(report, [...path, 'to'], to, upstreams)
    checkListener(report, path, treeOf(match)['listener'], treeOf(root['listeners']))
  }
  for (const [path, name] of httpTargets(data, gateway)) {
    if (upstreams.get(name) === 'tcp')
      report(path, `the endpoints of ${name} are tcp://: streams can lead to them, requests cannot`)
  }
  for (const [index, { match }] of list(gateway['routes']).entries()) {
    const { listener } = treeOf(match)
    if (typeof listener !== 'string' || treeOf(treeOf(root['listeners'])[listener])['mode'] !== 'sni') continue
    report(
      ['gateway', 'routes', index, 'match', 'listener'],
      `the listener ${listener} has \`mode: sni\`: no requests come in there, only streams`,
    )
  }
  for (const [name, each] of Object.entries(treeOf(gateway['upstreams']))) {
    checkEndpoints(report, ['gateway', 'upstreams', name], treeOf(each))
  }
  for (const [name, each] of Object.entries(treeOf(root['listeners']))) {
    const { door, mode, tls } = treeOf(each)
    if (door !== 'gateway' || mode !== 'sni') continue
    if (streams.length === 0)
      report(['listeners', name, 'mode'], 'it needs `gateway.streams`: nothing else takes what comes in here')
    if (tls !== undefined)
      report(['listeners', name, 'tls'], 'with `mode: sni` no TLS is ended here', 'ERR_CONFIG_INVALID', 'key')
  }
  return findings
}

type Report = (path: Path, message: string, code?: Finding['code'], part?: Finding['part']) => void
type UpstreamKind = 'http' | 'tcp' | 'none'

function checkUpstream(report: Report, path: Path, name: string, upstreams: ReadonlyMap<string, UpstreamKind>): void {
  const kind = upstreams.get(name)
  if (kind === 'http') report(path, `the endpoints of ${name} are not tcp://: streams cannot lead to them`)
  if (kind !== undefined) return
  const hint = suggestion(nearest(name, [...upstreams.keys()]))
  report(path, `there is no upstream ${JSON.stringify(name)}${hint}`, 'ERR_CONFIG_REFERENCE')
}

function checkListener(report: Report, stream: Path, name: unknown, listeners: Tree): void {
  const path = [...stream, 'match', 'listener']
  if (name === undefined) {
    if (!Object.values(listeners).some(fits))
      report(stream, 'no gateway listener has `tls` or `mode: sni`, so no TLS ever comes in')
  } else if (typeof name === 'string' && listeners[name] === undefined) {
    const hint = suggestion(nearest(name, Object.keys(listeners)))
    report(path, `there is no listener ${JSON.stringify(name)}${hint}`, 'ERR_CONFIG_REFERENCE')
  } else if (typeof name === 'string' && !fits(listeners[name])) {
    report(path, `the listener ${name} is no gateway listener with \`tls\` or \`mode: sni\``)
  }
}

/** Whether TLS comes in there that could be passed on. */
function fits(listener: unknown): boolean {
  const { door, tls, mode } = treeOf(listener)
  return door === 'gateway' && (tls !== undefined || mode === 'sni')
}

function checkEndpoints(report: Report, path: Path, upstream: Tree): void {
  const urls = urlsOf(upstream)
  const isStream = urls.some(isRaw)
  const other = urls.findIndex((url) => !isRaw(url))
  if (isStream && other >= 0)
    report(
      [...path, 'endpoints', other],
      'it stands beside tcp:// endpoints: an upstream is for streams or for requests',
    )
  if (isStream && upstream['http2'] === true) report([...path, 'http2'], 'tcp:// endpoints are not spoken to by HTTP')
  if (!isStream && urls.length > 0 && upstream['proxyProtocol'] !== undefined)
    report([...path, 'proxyProtocol'], 'it is for tcp:// endpoints alone')
  const { active } = treeOf(upstream['health'])
  if (isStream && active !== undefined && treeOf(active)['kind'] !== 'tcp')
    report([...path, 'health', 'active'], 'tcp:// endpoints are probed by `kind: tcp`')
}

/** Names of upstreams that requests are sent to, and where they stand. */
function* httpTargets(data: unknown, gateway: Tree): Generator<[Path, string]> {
  for (const [index, { to }] of list(gateway['routes']).entries()) {
    const path: Path = ['gateway', 'routes', index, 'to']
    if (typeof to === 'string') yield [path, to]
    for (const [at, { upstream }] of list(to).entries())
      if (typeof upstream === 'string') yield [[...path, at, 'upstream'], upstream]
  }
  for (const { path, tree } of writtenMiddleware(data)) {
    const { to } = treeOf(tree['mirror'])
    if (typeof to === 'string') yield [[...path, 'mirror', 'to'], to]
  }
}

function kindOf(upstream: Tree): UpstreamKind {
  const urls = urlsOf(upstream)
  return urls.length === 0 ? 'none' : urls.some(isRaw) ? 'tcp' : 'http'
}

function urlsOf({ endpoints }: Tree): string[] {
  if (!Array.isArray(endpoints)) return []
  return endpoints.map((each: unknown) => String(typeof each === 'string' ? each : treeOf(each)['url']))
}

function isRaw(url: string): boolean {
  return /^tcp:/i.test(url)
}

function list(value: unknown): Tree[] {
  return Array.isArray(value) ? value.map(treeOf) : []
}
