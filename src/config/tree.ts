import type { Path } from './errors.ts'

/** A mapping of a config, unchecked. */
export type Tree = Record<PropertyKey, unknown>

export function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The value where it is a mapping, else an empty one. */
export function treeOf(value: unknown): Tree {
  return isTree(value) ? value : {}
}

/** What stands at a path of a tree; undefined for nothing. */
export function valueAt(data: unknown, path: Path): unknown {
  let value = data
  for (const key of path) {
    if (Array.isArray(value)) value = value[Number(key)]
    else if (isTree(value) && Object.hasOwn(value, key)) value = value[key]
    else return undefined
  }
  return value
}

/** Puts a value in the place of the one that stands at a path. */
export function replaceAt(data: unknown, path: Path, value: unknown): void {
  const holder = valueAt(data, path.slice(0, -1))
  const key = path.at(-1)
  if (key === undefined) return
  if (Array.isArray(holder)) holder[Number(key)] = value
  else if (isTree(holder)) holder[key] = value
}
