import { z } from 'zod'
import { choice, count, parsed, size } from '../../core/config-fields.ts'

/** Text that shrinks well; images, video, archives and fonts in WOFF are compressed already. */
const defaultTypes = [
  'text/*',
  '*+json',
  '*+xml',
  'application/javascript',
  'application/json',
  'application/x-ndjson',
  'application/vnd.ms-fontobject',
  'application/wasm',
  'application/xml',
  'font/otf',
  'font/ttf',
  'image/bmp',
  'image/svg+xml',
  'image/x-icon',
]

const mediaType = parsed('a media type', (text) => {
  const type = text.toLowerCase()
  const token = "[!#$%&'*+.^_`|~0-9a-z-]+"
  if (!new RegExp(`^(?:${token}/${token}|\\*\\+${token})$`).test(type) || /^\*\/|\*.+\*/.test(type))
    throw new RangeError(`${JSON.stringify(text)} is not a media type such as text/html, text/* or *+json`)
  // W20
  if (type === 'text/event-stream')
    throw new RangeError('event streams are never compressed: each event leaves at once')
  return type
})

/** Options of `compress`. */
export const compressOptions = z
  .strictObject({
    algorithms: z
      .array(choice(['br', 'zstd', 'gzip']))
      .min(1)
      .prefault(['br', 'zstd', 'gzip'])
      .describe('What is offered; the first of those that a client likes best is used.'),
    minSize: size().prefault('1KiB').describe('Replies of known length below this are left as they are.'),
    types: z
      .array(mediaType)
      .min(1)
      .prefault(defaultTypes)
      .describe('Media types that are compressed: `text/html`, `text/*`, `*+json`. Event streams never are.'),
    levels: z
      .strictObject({
        br: count(0, 11).default(4).describe('Brotli: 0 to 11.'),
        zstd: count(1, 19).default(3).describe('Zstandard: 1 to 19.'),
        gzip: count(1, 9).default(6).describe('gzip: 1 to 9.'),
      })
      .prefault({})
      .describe('How hard to try: higher is smaller and slower.'),
    maxStreams: count(1, 100_000)
      .default(256)
      .describe('Replies that are compressed at once, at up to 2 MiB each; further ones are sent as they are.'),
  })
  .describe('Compresses replies for clients that can take it.')

export type CompressOptions = z.output<typeof compressOptions>
export type Algorithm = CompressOptions['algorithms'][number]
