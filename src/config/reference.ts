import type { z } from 'zod'

type SchemaNode = z.core.JSONSchema.BaseSchema

const opening = `# Config reference

Generated from the schema by \`npm run schema\`; a test holds it against the code.

YAML 1.2, JSON or a TypeScript module hold the same tree. Units are part of the value: durations \`250ms 5s 2m 24h\`,
sizes \`512B 16KiB 64MiB 1GiB\`, sizes in a duration \`1KiB/30s\`. \`\${NAME}\` and \`\${NAME:-default}\` in a value take an
environment variable, \`$\${\` stands for the characters themselves. Paths of files are relative to the config file.
Regular expressions have RE2's syntax and run in linear time. Unknown keys are errors.

An endpoint is \`http://host:port\`, \`https://host:port\`, or \`unix:/path\` for HTTP over a Unix socket.
`

/** The reference of the config as Markdown: each key with its type, default and meaning. */
export function renderReference(schema: SchemaNode): string {
  const sections: string[] = []
  const later: string[] = []

  const section = (path: string, node: SchemaNode) => {
    const rows: string[] = []
    const inner: (() => void)[] = []
    for (const [key, each] of Object.entries(node.properties ?? {})) {
      const value = nodeOf(each)
      const at = path === '' ? key : `${path}.${key}`
      if (value.not !== undefined) {
        later.push(at)
        continue
      }
      rows.push(
        `| \`${key}\` | ${typeOf(value)} | ${defaultOf(value, node.required?.includes(key) === true)} | ${value.description ?? ''} |`,
      )
      for (const [suffix, child] of objectsIn(value)) inner.push(() => section(`${at}${suffix}`, child))
    }
    const heading = path === '' ? '## The whole' : `## \`${path}\``
    sections.push(`${heading}\n\n| key | type | default | meaning |\n|---|---|---|---|\n${rows.join('\n')}\n`)
    for (const next of inner) next()
  }

  section('', schema)
  for (const [id, node] of Object.entries(schema.$defs ?? {})) {
    for (const form of nodeOf(node).anyOf ?? []) if (nodeOf(form).properties !== undefined) section(id, nodeOf(form))
  }
  const refused = later.map((path) => `- \`${path}\`\n`).join('')
  const closing = `## Keys of later versions\n\nRefused with \`ERR_CONFIG_NOT_AVAILABLE\`, so that they are never silently ignored:\n\n${refused}`
  return [opening, ...sections, closing].join('\n')
}

/** The mappings inside a value, each with what its path has behind the key. */
function objectsIn(node: SchemaNode): [string, SchemaNode][] {
  if (node.properties !== undefined) return [['', node]]
  const behind = (suffix: string, inner: SchemaNode) =>
    objectsIn(inner).map(([more, child]): [string, SchemaNode] => [`${suffix}${more}`, child])
  if (node.type === 'object') return behind('.NAME', nodeOf(node.additionalProperties))
  if (node.type === 'array') return behind('[]', nodeOf(node.items))
  return node.anyOf?.flatMap((form) => objectsIn(nodeOf(form))) ?? []
}

/** The schema of a part; a bare true or false says nothing of it. */
function nodeOf(value: unknown): SchemaNode {
  return isNode(value) ? value : {}
}

function isNode(value: unknown): value is SchemaNode {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function typeOf(node: SchemaNode): string {
  if (node.$ref !== undefined) return `[${node.$ref.split('/').at(-1)}](#${node.$ref.split('/').at(-1)!.toLowerCase()})`
  if (node.anyOf !== undefined) return node.anyOf.map((form) => typeOf(nodeOf(form))).join(' or ')
  if (node.enum !== undefined) return node.enum.map((value) => `\`${String(value)}\``).join(', ')
  if (node.type === 'array') return `list of ${typeOf(nodeOf(node.items))}`
  if (node.type === 'object')
    return node.properties === undefined ? `map of ${typeOf(nodeOf(node.additionalProperties))}` : 'mapping'
  if (node.type === 'integer') return `${node.minimum} to ${node.maximum}`
  if (node.type === 'boolean') return '`true`, `false`'
  return node.title ?? 'text'
}

function defaultOf(node: SchemaNode, required: boolean): string {
  if (required) return 'required'
  if (node.default === undefined) return ''
  const text = typeof node.default === 'string' ? node.default : JSON.stringify(node.default)
  return text === ''
    ? 'empty'
    : text === '{}'
      ? node.properties === undefined && node.anyOf === undefined
        ? 'none'
        : 'its defaults'
      : `\`${text}\``
}
