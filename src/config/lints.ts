import { X509Certificate } from 'node:crypto'
import type { Config } from './config.ts'
import { lint } from './lint.ts'
import type { Finding } from './source.ts'
import { useListsOf } from './middleware-uses.ts'
import { lintRules } from './rule-lints.ts'
import { lintTimings } from './timing-lints.ts'
import { treeOf } from './tree.ts'

/** What is odd about a config that can be run: upstreams and middleware that nothing names, settings that nothing reads, rules that nothing reaches, certificates that have run out. */
export function lintConfig(config: Config, now = Date.now()): Finding[] {
  return [
    ...unusedUpstreams(config),
    ...unusedMiddleware(config),
    ...unusedTls(config),
    ...expired(config, now),
    ...lintTimings(config),
    ...lintRules(config),
  ]
}

function unusedUpstreams({ gateway, listeners, middlewares }: Config): Finding[] {
  const routes = gateway?.routes ?? []
  const uses = [...Object.values(listeners), ...routes, ...(gateway === undefined ? [] : [gateway])]
  const mirrored = [...Object.values(middlewares), ...uses.flatMap(({ use }) => use)].flatMap((each) =>
    'kind' in each && each.kind === 'mirror' ? [treeOf(each.options)['to']] : [],
  )
  const used = new Set<unknown>([
    ...mirrored,
    ...(gateway?.streams ?? []).map(({ to }) => to),
    ...routes.flatMap(({ to }) => (Array.isArray(to) ? to.map((target) => target.upstream) : [])),
  ])
  return Object.keys(gateway?.upstreams ?? {})
    .filter((name) => !used.has(name))
    .map((name) => lint(['gateway', 'upstreams', name], 'key', 'no route and no stream leads to this upstream'))
}

function unusedMiddleware(config: Config): Finding[] {
  const used = new Set(useListsOf(config).flatMap((use) => use.flatMap((each) => ('name' in each ? [each.name] : []))))
  return Object.keys(config.middlewares)
    .filter((name) => !used.has(name))
    .map((name) => lint(['middlewares', name], 'key', 'no `use` names this middleware'))
}

function unusedTls({ gateway }: Config): Finding[] {
  return Object.entries(gateway?.upstreams ?? {}).flatMap(([name, { endpoints, tls }]) => {
    const set = tls.ca ?? tls.cert ?? tls.serverName
    if (set === undefined || endpoints.some((endpoint) => endpoint.tls)) return []
    return [lint(['gateway', 'upstreams', name, 'tls'], 'key', 'no endpoint is https://, so this is not used')]
  })
}

function expired({ listeners }: Config, now: number): Finding[] {
  return Object.entries(listeners).flatMap(([name, { tls }]) =>
    (tls?.certificates ?? []).flatMap((certificate, index) => {
      if ('authority' in certificate) return []
      const { validTo, validToDate } = new X509Certificate(certificate.cert.text)
      if (validToDate.getTime() > now) return []
      return [
        lint(
          ['listeners', name, 'tls', 'certificates', index, 'cert'],
          'value',
          `the certificate ran out on ${validTo}`,
        ),
      ]
    }),
  )
}
