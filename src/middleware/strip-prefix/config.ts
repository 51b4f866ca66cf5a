import { z } from 'zod'
import { parsed } from '../../core/config-fields.ts'
import { parsePathPattern } from '../../core/path-pattern.ts'

const prefix = parsed('a path', (text) => {
  const path = parsePathPattern(text).text
  if (path === '/') throw new RangeError('"/" is no prefix: nothing would be stripped')
  if (/[{}*]/.test(path)) throw new RangeError(`${JSON.stringify(text)} is a pattern: a prefix is a plain path`)
  if (path.endsWith('/')) throw new RangeError(`${JSON.stringify(text)} ends in a slash: leave it out`)
  return path
})

/** Options of `stripPrefix`. */
export const stripPrefixOptions = z
  .strictObject({
    prefix: prefix.describe('What is taken off the path where it stands there as whole segments: `/live`.'),
  })
  .describe('Takes a prefix off the path that is forwarded.')
