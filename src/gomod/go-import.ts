import { markupElements } from './markup-elements.ts'
import { fieldsOf } from './white-space.ts'

/** What a page says about where the code of a module path is. */
export interface GoImport {
  /** The path prefix that it speaks for. */
  prefix: string
  /** `git`, `hg`, `svn`, `bzr`, `fossil`, or `mod` for the address of a module proxy. */
  vcs: string
  /** The repository's URL, as it stands there: not checked. */
  root: string
  /** Folder of the module in the repository, '' for the repository itself (Go 1.25). */
  subdirectory: string
}

/**
 * The `go-import` meta tags of a page, in order, up to `</head>` or `<body>` (G18; cmd/go/internal/vcs discovery.go). `mod`
 * stands first, and takes the place of all others of its prefix. Where the markup is broken beyond what Go reads, what was
 * found before counts; throws a RangeError where nothing was.
 */
export function readGoImports(html: string): GoImport[] {
  const found: GoImport[] = []
  for (const element of markupElements(html)) {
    if (element.kind === 'broken') {
      if (found.length === 0) throw new RangeError(`the page cannot be read: ${element.problem}`)
      break
    }
    const name = element.name.toLowerCase()
    if (name === (element.kind === 'start' ? 'body' : 'head')) break
    if (element.kind === 'end' || name !== 'meta' || attribute(element.attributes, 'name') !== 'go-import') continue
    const fields = fieldsOf(attribute(element.attributes, 'content'))
    if (fields.length !== 3 && fields.length !== 4) continue
    const [prefix = '', vcs = '', root = '', subdirectory = ''] = fields
    found.push({ prefix, vcs, root, subdirectory })
  }
  const proxies = found.filter(({ vcs }) => vcs === 'mod')
  const served = new Set(proxies.map(({ prefix }) => prefix))
  return [...proxies, ...found.filter(({ vcs, prefix }) => vcs !== 'mod' && !served.has(prefix))]
}

/** The first of that name, in any case. */
function attribute(attributes: readonly (readonly [name: string, value: string])[], wanted: string): string {
  return attributes.find(([name]) => name.toLowerCase() === wanted)?.[1] ?? ''
}
