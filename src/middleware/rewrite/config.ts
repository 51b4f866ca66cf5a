import { z } from 'zod'
import { kindOf, parsed, pattern, suggestion } from '../../core/config-fields.ts'
import { LocationTemplate } from '../../core/location-template.ts'
import { nearest } from '../../core/nearest.ts'
import { parsePathPattern } from '../../core/path-pattern.ts'
import type { Pattern } from '../../core/pattern.ts'

const path = z.union(
  [
    parsed('a path', (text) => parsePathPattern(text).text),
    z.strictObject({
      regex: pattern().describe('A regular expression (RE2) over the path, matching anywhere unless it is anchored.'),
    }),
  ],
  { error: ({ input }) => `expected a path or { regex }, found ${kindOf(input)}` },
)

const template = parsed('a path', (text) => {
  void new LocationTemplate(text)
  const shown = JSON.stringify(text)
  if (!/^\/(?!\/)/.test(text)) throw new RangeError(`${shown} is not a path: it begins with one slash`)
  if (/[?#]/.test(text)) throw new RangeError(`${shown} holds ? or #: the query stays as it is`)
  if (/[{}]/.test(text.replaceAll(/\{[^{}]*\}/g, '')))
    throw new RangeError(`${shown} has a brace that is not closed or not opened`)
  return text
})

/** Options of `rewrite`. */
export const rewriteOptions = z
  .strictObject({
    match: path.describe('Paths that are rewritten: `/v1/{rest...}`, or `{ regex }`. Others are left alone.'),
    path: template.describe('The new path; `{name}` takes a capture of `match`. The query stays.'),
  })
  .superRefine(({ match, path: text }, context) => {
    const names = capturesOf(match)
    for (const [, name] of text.matchAll(/\{([^{}]*)\}/g)) {
      if (names.includes(name!)) continue
      const message = `\`match\` captures no ${JSON.stringify(name)}${suggestion(nearest(name!, names))}`
      context.addIssue({ code: 'custom', message, path: ['path'] })
    }
  })
  .describe('Gives the request another path before it is forwarded.')

function capturesOf(match: string | { regex: Pattern }): readonly string[] {
  if (typeof match === 'string') return parsePathPattern(match).captures
  const { groups, groupCount } = match.regex
  return [...groups, ...Array.from({ length: groupCount }, (_, index) => String(index + 1))]
}
