import type { Path } from './errors.ts'
import { isTree, treeOf } from './tree.ts'

/** Every `use` list of an unchecked config, with its path. */
export function useLists(data: unknown): { path: Path; list: readonly unknown[] }[] {
  const root = treeOf(data)
  const gateway = treeOf(root['gateway'])
  const forward = treeOf(root['forward'])
  const rules = Array.isArray(forward['rules']) ? forward['rules'] : []
  const routes = Array.isArray(gateway['routes']) ? gateway['routes'] : []
  const holders: [Path, unknown][] = [
    ...Object.entries(treeOf(root['listeners'])).map(([name, each]): [Path, unknown] => [['listeners', name], each]),
    [['gateway'], gateway],
    [['goproxy'], root['goproxy']],
    [['forward'], forward],
    ...rules.map((each, index): [Path, unknown] => [['forward', 'rules', index], each]),
    ...routes.map((each, index): [Path, unknown] => [['gateway', 'routes', index], each]),
  ]
  return holders.flatMap(([path, holder]) => {
    const list = treeOf(holder)['use']
    return Array.isArray(list) ? [{ path: [...path, 'use'], list }] : []
  })
}

/** Every middleware that is written down in an unchecked config: under `middlewares`, and in place. */
export function writtenMiddleware(data: unknown): { path: Path; tree: Record<PropertyKey, unknown> }[] {
  const named = Object.entries(treeOf(treeOf(data)['middlewares'])).map(([name, tree]) => ({
    path: ['middlewares', name],
    tree,
  }))
  const inPlace = useLists(data).flatMap(({ path, list }) =>
    list.map((tree, index) => ({ path: [...path, index], tree })),
  )
  return [...named, ...inPlace].flatMap(({ path, tree }) => (isTree(tree) ? [{ path, tree }] : []))
}
