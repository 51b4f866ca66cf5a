import { renderPath, type Path } from './errors.ts'
import type { Finding } from './source.ts'

import { isTree, treeOf, type Tree } from './tree.ts'

/** Keys that only a probe by request has. */
const ofRequests = ['path', 'method', 'host', 'headers', 'status', 'body']

/** Keys of an upstream's `health` that do not go with each other or with its endpoints. Takes the upstream as typed. */
export function findHealthReferences(path: Path, upstream: Tree): Finding[] {
  if (!isTree(upstream['health'])) return []
  const { active, passive } = upstream['health']
  const at = [...path, 'health']
  if (active === undefined && passive === undefined)
    return [fault(at, 'key', 'one of `active` and `passive` is needed')]
  const { kind, port, method, body } = treeOf(active)
  const findings: Finding[] = []
  if (method === 'HEAD' && body !== undefined)
    findings.push(fault([...at, 'active', 'body'], 'key', 'a reply to HEAD has no body'))
  for (const key of kind === 'tcp' || kind === 'tls' ? ofRequests : []) {
    if (treeOf(active)[key] === undefined) continue
    findings.push(
      fault([...at, 'active', key], 'key', `it is for \`kind: http\`: a probe by ${String(kind)} asks nothing`),
    )
  }
  for (const url of urlsOf(upstream['endpoints'])) {
    if (kind === 'tls' && !url.startsWith('https:'))
      findings.push(fault([...at, 'active', 'kind'], 'value', `the endpoint ${url} has no TLS`))
    if (port !== undefined && url.startsWith('unix:'))
      findings.push(fault([...at, 'active', 'port'], 'value', `the endpoint ${url} has no port`))
  }
  return findings
}

function fault(path: Path, part: 'key' | 'value', message: string): Finding {
  return { path, part, code: 'ERR_CONFIG_INVALID', message: `${renderPath(path)}: ${message}` }
}

function urlsOf(endpoints: unknown): string[] {
  if (!Array.isArray(endpoints)) return []
  return endpoints.flatMap((each: unknown) => {
    const url = isTree(each) ? each['url'] : each
    return typeof url === 'string' ? [url] : []
  })
}
