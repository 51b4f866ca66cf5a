import { LocationTemplate } from '../../core/location-template.ts'
import { parsePathPattern, type PathPattern } from '../../core/path-pattern.ts'
import { Pattern } from '../../core/pattern.ts'
import { defineMiddleware } from '../../engine/middleware/middleware.ts'
import { normaliseLiteral, normalisePath } from '../../policy/normalise-path.ts'
import { rewriteOptions } from './config.ts'

/** Gives the request another path before it is forwarded. */
export const rewrite = defineMiddleware({
  name: 'rewrite',
  options: rewriteOptions,
  create({ match, path }) {
    const pattern = typeof match === 'string' ? patternOf(parsePathPattern(match)) : match.regex
    const template = new LocationTemplate(path)
    return {
      request(exchange) {
        // `*` of `OPTIONS *` is no path.
        if (exchange.path === '*') return
        const captures = pattern.captures(normalisePath(exchange.path).matchPath)
        if (captures === null) return
        // Once more, since captures put together can be what no path may be.
        exchange.path = normalisePath(template.expand(captures, '')).path
      },
    }
  },
})

/** A path pattern as a regular expression over a normalised path. */
function patternOf({ segments, subtree }: PathPattern): Pattern {
  let source = '^'
  for (const segment of segments) {
    if (segment.kind === 'literal') source += `/${quoted(normaliseLiteral(segment.text))}`
    else if (segment.kind === 'capture') source += `/(?P<${segment.name}>[^/]+)`
    else source += `(?:/(?P<${segment.name}>.*))?`
  }
  return new Pattern(`${source}${subtree ? '(?:/.*)?' : ''}$`)
}

function quoted(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)
}
