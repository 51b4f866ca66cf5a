import { promisify } from 'node:util'
import zlib from 'node:zlib'

const decoders: Readonly<Record<string, (bytes: Buffer, most: number) => Promise<Buffer>>> = {
  gzip: (bytes, most) => gunzip(bytes, { maxOutputLength: most, finishFlush: zlib.constants.Z_SYNC_FLUSH }),
  deflate: (bytes, most) => inflate(bytes, { maxOutputLength: most, finishFlush: zlib.constants.Z_SYNC_FLUSH }),
  br: (bytes, most) => brotli(bytes, { maxOutputLength: most, finishFlush: zlib.constants.BROTLI_OPERATION_FLUSH }),
  zstd: (bytes, most) => zstd(bytes, { maxOutputLength: most }),
}
const gunzip = promisify(zlib.gunzip)
const inflate = promisify(zlib.inflate)
const brotli = promisify(zlib.brotliDecompress)
const zstd = promisify(zlib.zstdDecompress)

/**
 * A body without its content coding (RFC 9110 §8.4), off the event loop. What was cut off is decoded as far as it goes. Null
 * where the coding is not known, the bytes are not in it, or more than `most` bytes would come of it.
 */
export async function decodedBody(bytes: Buffer, coding: string, most: number): Promise<Buffer | null> {
  const decode = decoders[coding.replace(/^x-/, '')]
  if (decode === undefined) return null
  try {
    return await decode(bytes, most)
  } catch {
    // Its owner's bytes, whatever they are: they are shown as they came.
    return null
  }
}
