import { isLoopback, parseAddress } from '../core/address.ts'
import { suggestion } from '../core/config-fields.ts'
import type { ErrorCode } from '../core/error-codes.ts'
import { nearest } from '../core/nearest.ts'
import { parsePathPattern } from '../core/path-pattern.ts'
import { Pattern } from '../core/pattern.ts'
import { renderPath, type Path } from './errors.ts'
import { findChainReferences } from './chain-references.ts'
import { findHealthReferences } from './health-references.ts'
import { useLists, writtenMiddleware } from './middleware-places.ts'
import { findParentReferences } from './parent-references.ts'
import { findProxyAccess } from './proxy-access.ts'
import { isModulePath } from './middleware-schemas.ts'
import { findModuleReferences } from './module-references.ts'
import { findRuleReferences } from './rule-references.ts'
import type { Finding, Part } from './source.ts'
import { findStreamReferences } from './stream-references.ts'
import { treeOf, type Tree } from './tree.ts'

/**
 * What one key says of another: names that must exist, keys that exclude or need each other. It takes
 * the tree as typed, whatever else is wrong with it, so that everything is told at once.
 */
export function findReferences(data: unknown): Finding[] {
  const root = treeOf(data)
  const gateway = treeOf(root['gateway'])
  const report = new Report()
  const listeners = treeOf(root['listeners'])
  checkListeners(report, root, listeners)
  checkAdmin(report, root['admin'])
  for (const [name, upstream] of Object.entries(treeOf(gateway['upstreams']))) {
    checkUpstreamTls(report, ['gateway', 'upstreams', name, 'tls'], treeOf(treeOf(upstream)['tls']))
    report.findings.push(...findHealthReferences(['gateway', 'upstreams', name], treeOf(upstream)))
  }
  const routes = Array.isArray(gateway['routes']) ? gateway['routes'] : []
  const upstreams = Object.keys(treeOf(gateway['upstreams']))
  const seen = new Set<string>()
  for (const [index, each] of routes.entries()) {
    const path: Path = ['gateway', 'routes', index]
    const route = treeOf(each)
    const name = route['name']
    if (typeof name === 'string') {
      if (seen.has(name))
        report.value([...path, 'name'], 'ERR_CONFIG_INVALID', `another route is called ${JSON.stringify(name)} too`)
      seen.add(name)
    }
    checkHandler(report, path, route)
    checkTargets(report, [...path, 'to'], route['to'], upstreams, root['goproxy'] !== undefined)
    checkListenerName(
      report,
      [...path, 'match', 'listener'],
      treeOf(route['match'])['listener'],
      Object.keys(listeners),
    )
    checkRedirect(report, [...path, 'redirect'], route)
    checkRespond(report, [...path, 'respond'], treeOf(route['respond']))
  }
  report.findings.push(...findParentReferences(data), ...findStreamReferences(data), ...findProxyAccess(data))
  checkUses(report, data, Object.keys(treeOf(root['middlewares'])))
  checkMirrors(report, data, Object.keys(treeOf(gateway['upstreams'])))
  report.findings.push(...findModuleReferences(data), ...findChainReferences(data), ...findRuleReferences(data))
  return report.findings
}

class Report {
  readonly findings: Finding[] = []

  value(path: Path, code: ErrorCode, message: string, part: Part = 'value'): void {
    this.findings.push({ path, part, code, message: `${renderPath(path)}: ${message}` })
  }
}

function checkListeners(report: Report, root: Tree, listeners: Tree): void {
  if ('listeners' in root && typeof root['listeners'] === 'object' && Object.keys(listeners).length === 0) {
    report.value(['listeners'], 'ERR_CONFIG_INVALID', 'at least one listener is needed')
  }
  const taken = new Map<string, string>()
  for (const [name, each] of Object.entries(listeners)) {
    const { address, door } = treeOf(each)
    if (door === 'gateway' && root['gateway'] === undefined) {
      report.value(['listeners', name, 'door'], 'ERR_CONFIG_REFERENCE', 'there is no `gateway` block')
    }
    if (door === 'goproxy' && root['goproxy'] === undefined) {
      report.value(['listeners', name, 'door'], 'ERR_CONFIG_REFERENCE', 'there is no `goproxy` block')
    }
    if (door === 'forward' && root['forward'] === undefined) {
      report.value(['listeners', name, 'door'], 'ERR_CONFIG_REFERENCE', 'there is no `forward` block')
    }
    if (typeof address !== 'string' || address.endsWith(':0')) continue
    const other = taken.get(address)
    if (other !== undefined)
      report.value(['listeners', name, 'address'], 'ERR_CONFIG_INVALID', `the listener ${other} has this address too`)
    taken.set(address, name)
  }
  const admin = treeOf(root['admin'])['address']
  const other = typeof admin === 'string' && !admin.endsWith(':0') ? taken.get(admin) : undefined
  if (other !== undefined)
    report.value(['admin', 'address'], 'ERR_CONFIG_INVALID', `the listener ${other} has this address too`)
}

function checkAdmin(report: Report, admin: unknown): void {
  const { address, token } = treeOf(admin)
  if (typeof address !== 'string' || token !== undefined) return
  const parsed = attempt(() => parseAddress(address))
  if (parsed === undefined || isLoopback(parsed)) return
  report.value(['admin', 'address'], 'ERR_CONFIG_INVALID', 'off loopback the admin address needs `token`')
}

function checkUpstreamTls(report: Report, path: Path, tls: Tree): void {
  const has = (key: string) => tls[key] !== undefined
  if (has('cert') && !has('key')) report.value([...path, 'cert'], 'ERR_CONFIG_INVALID', 'a certificate needs its `key`')
  if (has('key') && !has('cert')) report.value([...path, 'key'], 'ERR_CONFIG_INVALID', 'a key needs its `cert`')
}

function checkHandler(report: Report, path: Path, route: Tree): void {
  const given = ['to', 'redirect', 'respond'].filter((key) => route[key] !== undefined)
  if (given.length === 1) return
  if (given.length === 0)
    return report.value(path, 'ERR_CONFIG_INVALID', 'one of `to`, `redirect` and `respond` is needed')
  report.value(
    [...path, given[1]!],
    'ERR_CONFIG_INVALID',
    `\`${given[0]}\` stands here already: a route does one of the two`,
    'key',
  )
}

function checkTargets(report: Report, path: Path, to: unknown, upstreams: string[], modules = true): void {
  const known = (name: unknown, at: Path) => {
    if (typeof name !== 'string' || upstreams.includes(name)) return
    report.value(
      at,
      'ERR_CONFIG_REFERENCE',
      `there is no upstream ${JSON.stringify(name)}${suggestion(nearest(name, upstreams))}`,
    )
  }
  if ('goproxy' in treeOf(to) && !modules)
    return report.value([...path, 'goproxy'], 'ERR_CONFIG_REFERENCE', 'there is no `goproxy` block', 'key')
  if (!Array.isArray(to)) return known(to, path)
  const targets = to.map(treeOf)
  for (const [index, { upstream }] of targets.entries()) known(upstream, [...path, index, 'upstream'])
  if (targets.length > 0 && targets.every(({ weight }) => weight === 0)) {
    report.value(path, 'ERR_CONFIG_INVALID', 'every weight is 0, so no upstream would get a request')
  }
}

function checkListenerName(report: Report, path: Path, name: unknown, listeners: string[]): void {
  if (typeof name !== 'string' || listeners.includes(name)) return
  report.value(
    path,
    'ERR_CONFIG_REFERENCE',
    `there is no listener ${JSON.stringify(name)}${suggestion(nearest(name, listeners))}`,
  )
}

function checkMirrors(report: Report, data: unknown, upstreams: string[]): void {
  for (const { path, tree } of writtenMiddleware(data)) {
    const { to } = treeOf(tree['mirror'])
    if (typeof to === 'string') checkTargets(report, [...path, 'mirror', 'to'], to, upstreams)
  }
}

function checkUses(report: Report, data: unknown, middlewares: string[]): void {
  for (const { path, list } of useLists(data)) {
    for (const [index, name] of list.entries()) {
      if (typeof name !== 'string' || isModulePath(name) || middlewares.includes(name)) continue
      const hint = isModulePath(`./${name}`) ? `./${name}` : nearest(name, middlewares)
      const message = `there is no middleware ${JSON.stringify(name)}${suggestion(hint)}`
      report.value([...path, index], 'ERR_CONFIG_REFERENCE', message)
    }
  }
}

function checkRedirect(report: Report, path: Path, route: Tree): void {
  if (typeof route['redirect'] !== 'object' || route['redirect'] === null) return
  const redirect = treeOf(route['redirect'])
  const parts = ['scheme', 'host', 'port', 'path'].filter((key) => redirect[key] !== undefined)
  if (redirect['to'] === undefined && parts.length === 0) {
    report.value(
      path,
      'ERR_CONFIG_INVALID',
      'it leads nowhere: one of `to`, `scheme`, `host`, `port` and `path` is needed',
    )
  } else if (redirect['to'] !== undefined && parts.length > 0) {
    report.value(
      [...path, parts[0]!],
      'ERR_CONFIG_INVALID',
      `\`to\` is the whole URL: \`${parts[0]}\` cannot stand beside it`,
      'key',
    )
  }
  const captures = capturesOf(treeOf(route['match'])['path'])
  for (const key of ['to', 'path']) {
    const template = redirect[key]
    if (typeof template !== 'string' || captures === undefined) continue
    const names = [...template.matchAll(/\{([^{}]*)\}/g)].map(([, name]) => name!)
    if (/[{}]/.test(template.replaceAll(/\{[^{}]*\}/g, ''))) {
      report.value([...path, key], 'ERR_CONFIG_INVALID', 'a brace is not closed or not opened')
    }
    for (const name of names) {
      if (captures.includes(name)) continue
      const hint = suggestion(nearest(name, captures))
      report.value([...path, key], 'ERR_CONFIG_REFERENCE', `\`match.path\` captures no ${JSON.stringify(name)}${hint}`)
    }
  }
}

function checkRespond(report: Report, path: Path, { status, body }: Tree): void {
  // RFC 9110 §15.3.5, §15.4.5: these have no content.
  if ((status === 204 || status === 304) && typeof body === 'string' && body !== '') {
    report.value([...path, 'body'], 'ERR_CONFIG_INVALID', `a ${status} reply has no body`)
  }
}

/** Names that a path captures; undefined where the path itself is faulty. */
function capturesOf(path: unknown): string[] | undefined {
  if (path === undefined) return []
  if (typeof path === 'string') return attempt(() => parsePathPattern(path).captures)
  const { regex } = treeOf(path)
  if (typeof regex !== 'string') return undefined
  return attempt(() => {
    const pattern = new Pattern(regex)
    return [...pattern.groups, ...Array.from({ length: pattern.groupCount }, (_, index) => String(index + 1))]
  })
}

function attempt<T>(run: () => T): T | undefined {
  try {
    return run()
  } catch {
    return undefined
  }
}
