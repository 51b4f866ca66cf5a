import { z } from 'zod'
import { CidrSet, parseAddress } from './address.ts'
import { FileText } from './file-text.ts'
import { nearest } from './nearest.ts'
import { Pattern } from './pattern.ts'
import { Secret } from './secret.ts'
import { durationUnitNames, parseByteRate, parseDuration, parsePercentage, parseSize, sizeUnitNames } from './units.ts'

/** How every message about a key or value of a later version ends. */
export const notAvailable = 'not available in this version'

/** A string that `parse` turns into a value; a RangeError of it becomes the message. */
export function parsed<T>(what: string, parse: (text: string) => T, kind = 'text', bareNumber?: string) {
  return z
    .string({
      error: ({ input }) =>
        typeof input === 'number' && bareNumber !== undefined
          ? `${input} has no unit: write ${bareNumber.includes(' ') ? 'one of ' : ''}${bareNumber} behind it`
          : `expected ${what}, found ${kindOf(input)}`,
    })
    .meta({ title: kind })
    .transform((text, context): T => {
      try {
        return parse(text)
      } catch (error) {
        if (!(error instanceof RangeError)) throw error
        context.issues.push({ code: 'custom', message: error.message, input: text })
        return z.NEVER
      }
    })
}

/** What a value is, in the config's own words. */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return 'nothing'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'object') return 'a mapping'
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  return `a ${typeof value}`
}

/** Milliseconds, none included, typed as `0s`, `250ms`, `5s`, `2m`, `24h`. */
export const duration = () =>
  parsed('a duration such as 0s, 250ms, 5s, 2m or 24h', parseDuration, 'duration', durationUnitNames)

/** Milliseconds, more than none, typed as `250ms`, `5s`, `2m`, `24h`. */
export const positiveDuration = () =>
  parsed(
    'a duration such as 250ms, 5s, 2m or 24h',
    (text) => atLeast(parseDuration(text), 1, text),
    'duration',
    durationUnitNames,
  )

/** Bytes, typed as `512B`, `16KiB`, `64MiB`, `1GiB`. */
export const size = (smallest = 1) =>
  parsed('a size such as 16KiB or 64MiB', (text) => atLeast(parseSize(text), smallest, text), 'size', sizeUnitNames)

/** Bytes in milliseconds, typed as `1KiB/30s`. */
export const byteRate = () => parsed('a size in a duration such as 1KiB/30s', parseByteRate, 'size/duration')

/** A share from 0 to 1, typed as `50%`. */
export const percentage = () => parsed('a percentage such as 50%', parsePercentage, 'percentage', '%')

/** `:8080`, `127.0.0.1:8080`, `[::1]:8080`, `unix:/run/x.sock`. */
export const address = () =>
  parsed('an address such as :8080, 127.0.0.1:8080, [::1]:8080 or unix:/run/x.sock', parseAddress, 'address')

/** A list of CIDR ranges. */
export const cidrs = () =>
  z
    .array(
      parsed(
        'an address range such as 10.0.0.0/8',
        (text) => {
          void new CidrSet([text])
          return text
        },
        'address range',
      ),
    )
    .transform((texts) => new CidrSet(texts))

/** A regular expression in RE2's syntax. */
export const pattern = () =>
  z
    .string()
    .meta({ title: 'regular expression' })
    .transform((source, context): Pattern => {
      try {
        return new Pattern(source)
      } catch (error) {
        if (!(error instanceof RangeError)) throw error
        context.issues.push({
          code: 'custom',
          message: error.message,
          input: source,
          params: { code: 'ERR_CONFIG_REGEX' },
        })
        return z.NEVER
      }
    })

/** A file that is read with the config; the path is relative to the config's own file. */
export const file = () =>
  z
    .string()
    .min(1)
    .meta({ title: 'file' })
    .transform((path) => new FileText(path))

/** A secret: in place, or `{ file: path }`. */
export const secret = () =>
  z.union(
    [
      z
        .string()
        .min(1)
        .meta({ title: 'secret' })
        .transform((value) => Secret.of(value)),
      z
        .strictObject({
          file: z.string().min(1).describe('The file that holds the secret; a newline at its end is dropped.'),
        })
        .transform((value) => Secret.inFile(value.file)),
    ],
    // What was found is not shown: it may be the secret.
    { error: () => 'expected a secret: text in quotes, or { file: path }' },
  )

/** `off` or `false`: null. */
export const off = () => z.literal(['off', false]).transform((): null => null)

/** `off` (null), or what `schema` takes. */
export const offOr = <T extends z.ZodType>(schema: T, what: string) =>
  z.union([off(), schema], { error: ({ input }) => `expected \`off\` or ${what}, found ${kindOf(input)}` })

/** A whole number from `least` to `most`. */
export const count = (least: number, most = 1_000_000_000) => z.int().min(least).max(most)

/** What names parents: one, or several that are gone through in order. Checked, it is always a list. */
export const parentNames = () =>
  z.union(
    [
      z
        .string()
        .min(1)
        .transform((name) => [name]),
      z.array(z.string().min(1)).min(1),
    ],
    {
      error: ({ input }) => `expected the name of a parent or a list of names, found ${kindOf(input)}`,
    },
  )

/** A key that a later version has: refused by name, so that it is never silently ignored. */
export const later = () => z.never({ error: notAvailable }).optional().describe(notAvailable)

/** One of `values`; those in `coming` are refused as not yet available, others get the nearest one suggested. */
export const choice = <const T extends readonly [string, ...string[]]>(values: T, coming: readonly string[] = []) =>
  z.enum(values, {
    error: ({ input }) => {
      const first = typeof input === 'object' && input !== null ? Object.keys(input)[0] : input
      if (typeof first === 'string' && coming.includes(first)) return `${JSON.stringify(first)} is ${notAvailable}`
      const near = typeof input === 'string' ? nearest(input, values) : undefined
      if (typeof input === 'number' && values.includes(String(input)))
        return `expected text: put it in quotes: "${input}"`
      const list = values.map((value) => JSON.stringify(value)).join(', ')
      return `expected ${values.length > 1 ? 'one of ' : ''}${list}, found ${kindOf(input)}${suggestion(near)}`
    },
  })

/** What was found in place of one of `words`, with the nearest of them: the end of a message. */
export function notOneOf(words: readonly string[], input: unknown): string {
  return `found ${kindOf(input)}${suggestion(typeof input === 'string' ? nearest(input, words) : undefined)}`
}

/** ` (did you mean "x"?)`, or nothing. */
export function suggestion(near: string | undefined): string {
  return near === undefined ? '' : ` (did you mean ${JSON.stringify(near)}?)`
}

function atLeast(value: number, least: number, text: string): number {
  if (value < least) throw new RangeError(`${JSON.stringify(text)} is too small`)
  return value
}
