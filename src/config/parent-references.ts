import { suggestion } from '../core/config-fields.ts'
import { nearest } from '../core/nearest.ts'
import { renderPath, type Path } from './errors.ts'
import type { Finding } from './source.ts'
import { treeOf } from './tree.ts'

/** What is wrong with the parents of an unchecked config, and with the names of them: in upstreams, in the module proxy, and in the rules of the forward proxy. */
export function findParentReferences(data: unknown): Finding[] {
  const root = treeOf(data)
  const parents = treeOf(root['parents'])
  const known = Object.keys(parents)
  const findings: Finding[] = []
  const report = (path: Path, code: Finding['code'], message: string) =>
    findings.push({ path, part: 'value', code, message: `${renderPath(path)}: ${message}` })
  for (const [name, each] of Object.entries(parents)) {
    const { username, password, tls } = treeOf(each)
    if (password !== undefined && username === undefined)
      report(['parents', name, 'password'], 'ERR_CONFIG_INVALID', 'a password needs its `username`')
    const { cert, key } = treeOf(tls)
    if (cert !== undefined && key === undefined)
      report(['parents', name, 'tls', 'cert'], 'ERR_CONFIG_INVALID', 'a certificate needs its `key`')
    if (key !== undefined && cert === undefined)
      report(['parents', name, 'tls', 'key'], 'ERR_CONFIG_INVALID', 'a key needs its `cert`')
  }
  for (const [path, value] of namedParents(root)) {
    for (const [at, name] of (Array.isArray(value) ? value : [value]).entries()) {
      if (typeof name !== 'string' || known.includes(name)) continue
      const place = Array.isArray(value) ? [...path, at] : path
      report(
        place,
        'ERR_CONFIG_REFERENCE',
        `there is no parent ${JSON.stringify(name)}${suggestion(nearest(name, known))}`,
      )
    }
  }
  return findings
}

function namedParents(root: Record<PropertyKey, unknown>): [Path, unknown][] {
  const goproxy = treeOf(root['goproxy'])
  const holders: [Path, unknown][] = [
    ...entries(['gateway', 'upstreams'], treeOf(root['gateway'])['upstreams']),
    [['goproxy'], goproxy],
    ...entries(['goproxy', 'upstreams'], goproxy['upstreams']),
  ]
  const forward = treeOf(root['forward'])
  const rules = Array.isArray(forward['rules']) ? forward['rules'] : []
  const ways: [Path, unknown][] = [
    [['forward', 'default'], forward['default']],
    ...rules.map((each, index): [Path, unknown] => [['forward', 'rules', index], each]),
  ]
  return [
    ...holders.map(([path, holder]): [Path, unknown] => [[...path, 'parent'], treeOf(holder)['parent']]),
    ...ways.map(([path, holder]): [Path, unknown] => [[...path, 'via'], treeOf(holder)['via']]),
  ].filter(([, value]) => value !== undefined && value !== 'off' && value !== false)
}

function entries(path: Path, tree: unknown): [Path, unknown][] {
  return Object.entries(treeOf(tree)).map(([name, each]) => [[...path, name], each])
}
