import { renderPath, type Path } from './errors.ts'
import type { Finding } from './source.ts'

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>

/** A text whose `${…}` were replaced. */
export interface Substitution {
  /** As written, with its `${…}`. */
  written: string
  /** With the values in. */
  value: string
  /** What came from the environment, by name. */
  taken: ReadonlyMap<string, string>
}

/** A tree with its environment variables put in. */
export interface Substituted {
  data: unknown
  /** By JSON of the path. */
  substitutions: Map<string, Substitution>
  findings: Finding[]
}

/** Far below anything that the schema has: what is deeper is refused there, and need not be walked. */
const deepest = 32

const reference = /\$(\$\{)|\$\{([^{}]*)(\}?)/g

/**
 * Puts environment variables into the strings of a tree: `${NAME}`, `${NAME:-default}` where it is unset or
 * empty, `$${` for a plain `${`. It runs on the parsed tree, so no value can add a key or an item.
 */
export function substituteEnvironment(data: unknown, env: Environment): Substituted {
  const substitutions = new Map<string, Substitution>()
  const findings: Finding[] = []

  const text = (written: string, path: Path): string => {
    if (!written.includes('${')) return written
    const taken = new Map<string, string>()
    const value = replaceReferences(written, env, taken, (message) =>
      findings.push({ path, part: 'value', code: 'ERR_CONFIG_ENV', message: `${renderPath(path)}: ${message}` }),
    )
    substitutions.set(JSON.stringify(path), { written, value, taken })
    return value
  }

  const walk = (node: unknown, path: Path): unknown => {
    if (typeof node === 'string') return text(node, path)
    if (path.length > deepest) return node
    if (Array.isArray(node)) return node.map((item, index) => walk(item, [...path, index]))
    // Anything but a plain mapping is left for the schema to refuse.
    if (typeof node !== 'object' || node === null) return node
    const copy: Record<string, unknown> = Object.create(null)
    for (const [key, value] of Object.entries(node)) copy[key] = walk(value, [...path, key])
    return copy
  }

  return { data: walk(data, []), substitutions, findings }
}

function replaceReferences(
  written: string,
  env: Environment,
  taken: Map<string, string>,
  fault: (message: string) => void,
): string {
  return written.replaceAll(reference, (whole: string, escaped?: string, inside?: string, closed?: string) => {
    if (escaped !== undefined) return escaped
    const [, name, fallback] = /^([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?$/s.exec(inside ?? '') ?? []
    if (name === undefined || closed !== '}') {
      fault('write ${NAME} or ${NAME:-default}, or $${ for the characters themselves')
      return whole
    }
    const set = env[name]
    if (set !== undefined && (set !== '' || fallback === undefined)) {
      taken.set(name, set)
      return set
    }
    if (fallback === undefined) fault(`the environment variable ${name} is not set, and no default is given`)
    return fallback ?? ''
  })
}

/** What came from the environment may be a secret: a message shows the variable in its place. */
export function hideValues(message: string, path: Path, substitutions: ReadonlyMap<string, Substitution>): string {
  const shown = new Map<string, string>()
  const own = JSON.stringify(path)
  const hide = (value: string, written: string, isOwn: boolean) => {
    // A short value stands in many words by chance.
    if (value.length < (isOwn ? 1 : 4)) return
    shown.set(value, written).set(JSON.stringify(value).slice(1, -1), written)
  }
  for (const [key, { written, value, taken }] of substitutions) {
    if (taken.size === 0) continue
    for (const [name, part] of taken) hide(part, `\${${name}}`, key === own)
    hide(value, written, key === own)
  }
  if (shown.size === 0) return message
  const longestFirst = [...shown.keys()].toSorted((left, right) => right.length - left.length)
  const escaped = longestFirst.map((each) => each.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`))
  return message.replaceAll(new RegExp(escaped.join('|'), 'g'), (each) => shown.get(each)!)
}
