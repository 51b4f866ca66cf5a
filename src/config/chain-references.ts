import { suggestion } from '../core/config-fields.ts'
import { nearest } from '../core/nearest.ts'
import { parseProxyList, withoutCredentials, type ProxyList } from '../gomod/proxy-list.ts'
import { renderPath, type Path } from './errors.ts'
import type { Finding } from './source.ts'
import { treeOf } from './tree.ts'

/** What is wrong with the chain of an unchecked config's module proxy, and with the settings of its members. */
export function findChainReferences(data: unknown): Finding[] {
  const { chain = 'direct', upstreams } = treeOf(treeOf(data)['goproxy'])
  const findings: Finding[] = []
  const report = (path: Path, part: Finding['part'], code: Finding['code'], message: string) =>
    findings.push({ path, part, code, message: `${renderPath(path)}: ${message}` })
  const list =
    typeof chain === 'string'
      ? readList(chain, (wrong) => report(['goproxy', 'chain'], 'value', 'ERR_CONFIG_INVALID', wrong))
      : null
  for (const { url } of list?.members ?? []) {
    // As the go command refuses it (cmd/go/internal/web, G2).
    if (url.startsWith('http:') && withoutCredentials(url) !== url)
      report(['goproxy', 'chain'], 'value', 'ERR_CONFIG_INVALID', `${memberName(url)}: a login goes over https alone`)
  }
  const members = list?.members.map(({ url }) => memberName(url)) ?? null
  for (const [url, settings] of Object.entries(treeOf(upstreams))) {
    const path: Path = ['goproxy', 'upstreams', url]
    const name = memberName(url.includes('://') ? url : `https://${url}`)
    if (members !== null && !members.includes(name))
      report(path, 'key', 'ERR_CONFIG_REFERENCE', `the chain has no such member${suggestion(nearest(name, members))}`)
    const { cert, key } = treeOf(treeOf(settings)['tls'])
    if (cert !== undefined && key === undefined)
      report([...path, 'tls', 'cert'], 'value', 'ERR_CONFIG_INVALID', 'a certificate needs its `key`')
    if (key !== undefined && cert === undefined)
      report([...path, 'tls', 'key'], 'value', 'ERR_CONFIG_INVALID', 'a key needs its `cert`')
  }
  return findings
}

/** Null where it is none; what is wrong goes to `report`. */
function readList(chain: string, report: (wrong: string) => void): ProxyList | null {
  try {
    return parseProxyList(chain)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    report(error.message)
    return null
  }
}

/** The same for every way to write it. */
function memberName(url: string): string {
  return withoutCredentials(url).replace(/\/*(?:[?#].*)?$/, '')
}
