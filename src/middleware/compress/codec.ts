import type { Transform } from 'node:stream'
import { constants, createBrotliCompress, createGzip, createZstdCompress } from 'node:zlib'
import type { Algorithm, CompressOptions } from './config.ts'

/** A compressor of node:zlib: works off the event loop, one piece after another. */
export interface Codec extends Transform {
  /** Lets out all that was written so far. */
  flush(kind: number): void
}

/** What `Codec.flush` is called with, so that all that was written can be read. */
export const flushKind: Readonly<Record<Algorithm, number>> = {
  br: constants.BROTLI_OPERATION_FLUSH,
  zstd: constants.ZSTD_e_flush,
  gzip: constants.Z_SYNC_FLUSH,
}

/** Windows of 512 KiB: larger ones take megabytes for each reply, and shrink it little further. */
const WINDOW_BITS = 19

/** `length`: bytes that will come, -1 where unknown. */
export function createCodec(algorithm: Algorithm, levels: CompressOptions['levels'], length: number): Codec {
  if (algorithm === 'gzip') return createGzip({ level: levels.gzip })
  if (algorithm === 'zstd') {
    return createZstdCompress({
      params: {
        [constants.ZSTD_c_compressionLevel]: levels.zstd,
        [constants.ZSTD_c_windowLog]: WINDOW_BITS,
      },
    })
  }
  return createBrotliCompress({
    params: {
      [constants.BROTLI_PARAM_QUALITY]: levels.br,
      [constants.BROTLI_PARAM_LGWIN]: WINDOW_BITS,
      [constants.BROTLI_PARAM_SIZE_HINT]: length > 0 && length < 2 ** 30 ? length : 0,
    },
  })
}
