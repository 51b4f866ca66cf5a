import { createReadStream } from 'node:fs'
import { TurnpikeError } from '../../../core/error.ts'
import type { ClientReply, HttpClient } from '../../../engine/client/http-client.ts'
import { escapePath } from '../../../gomod/module-path.ts'
import { escapeVersion } from '../../../gomod/version.ts'
import type { PreparedModule } from './prepare-module.ts'

/** Its first byte comes when all of the zip was checked and is safe on disk. */
const timeouts = { connectMs: 10_000, tlsMs: 10_000, firstByteMs: 300_000, stallMs: 60_000 }
const MAX_SAID_BYTES = 4096

/** What the proxy made of it: it is kept now, or the very same was there before. */
export type Sent = 'published' | 'unchanged'

/**
 * Sends a version to a module proxy; `authorization` is that field's value, '' for none. Rejects with
 * ERR_MODULE_CONFLICT where the proxy has other contents under that version, ERR_MODULE_UPSTREAM with its words where it refuses otherwise, and with
 * what connecting to it rejects with.
 */
export async function sendModule(
  prepared: PreparedModule,
  to: URL,
  authorization: string,
  { client, signal }: { client: HttpClient; signal: AbortSignal },
): Promise<Sent> {
  const { module, version, zipFile, size, time } = prepared
  const url = new URL(to)
  url.pathname = `${to.pathname.replace(/\/$/, '')}/${escapePath(module)}/@v/${escapeVersion(version)}.zip`
  const fields: [string, string][] = [['Content-Type', 'application/zip']]
  if (time !== null) fields.push(['Module-Time', time])
  if (authorization !== '') fields.push(['Authorization', authorization])
  const body = { length: size, pieces: createReadStream(zipFile) }
  const reply = await client.request({ method: 'PUT', url, fields, body, timeouts, signal })
  const said = await textOf(reply)
  if (reply.status === 201) return 'published'
  if (reply.status === 200) return 'unchanged'
  const code = reply.status === 409 ? 'ERR_MODULE_CONFLICT' : 'ERR_MODULE_UPSTREAM'
  throw new TurnpikeError(code, { message: `${to.host} answered ${reply.status}: ${said}` })
}

async function textOf({ body }: ClientReply): Promise<string> {
  const pieces: Buffer[] = []
  let size = 0
  for await (const piece of body) {
    pieces.push(piece)
    size += piece.length
    if (size >= MAX_SAID_BYTES) break
  }
  // It goes to a terminal.
  return Buffer.concat(pieces)
    .toString()
    .slice(0, MAX_SAID_BYTES)
    .replaceAll(/[^\P{Cc}\n]/gu, '')
    .trim()
}
