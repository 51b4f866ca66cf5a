import { basicCredentials } from '../../../core/basic-credentials.ts'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { TurnpikeError } from '../../../core/error.ts'
import type { ClientTimeouts, HttpClient } from '../../../engine/client/http-client.ts'
import type { UpstreamSecurity } from '../../../engine/tls/upstream-security.ts'
import type { World } from '../../../engine/world.ts'
import type { MemberConfig } from '../config.ts'
import type { Credentials } from '../direct/credentials.ts'

/** A member as the doctor asks it. */
export interface AskedMember {
  /** As the chain names it, without credentials. */
  name: string
  url: URL
  timeouts: ClientTimeouts
  tls: UpstreamSecurity
  /** What that was made of: the meter makes it anew for one version at a time. */
  tlsSettings: MemberConfig['tls']
}

/** What came of one request. */
export interface MemberAnswer {
  status: number
  firstByteMs: number
  /** As much as was wanted. */
  body: string
}

/** What requests need. */
export interface RequestParts {
  http: HttpClient
  world: World
  credentials: Credentials
}

/** As many as the go command follows (G3). */
const MAX_REDIRECTS = 10
const redirects = new Set([301, 302, 303, 307, 308])

/**
 * Asks a member for a file as the go command would, redirects followed, and reads at most `maxBytes` of it: of a zip, its
 * beginning shows that it is there. Rejects with a TurnpikeError.
 */
export async function askMember(
  member: AskedMember,
  path: string,
  maxBytes: number,
  parts: RequestParts,
): Promise<MemberAnswer> {
  const { world } = parts
  const startedAt = world.now()
  if (member.url.protocol === 'file:') {
    const { status, body } = await readFileMember(member.url, path, maxBytes)
    return { status, body, firstByteMs: world.now() - startedAt }
  }
  let url = new URL(member.url)
  // G1: as the go command writes them.
  const escaped = path.startsWith('/sumdb/') ? encodeURI(path) : encodeURI(path).replaceAll('!', '%21')
  url.pathname = url.pathname.replace(/\/+$/, '') + escaped
  for (let followed = 0; followed <= MAX_REDIRECTS; followed++) {
    const reply = await parts.http.request({
      method: 'GET',
      url,
      fields: [['Accept-Encoding', 'identity'], ...authorization(url, member.url, parts.credentials)],
      timeouts: member.timeouts,
      ...(url.protocol === 'https:' && url.origin === member.url.origin && { tls: member.tls }),
    })
    const firstByteMs = world.now() - startedAt
    const body = await beginning(reply.body, maxBytes)
    const location = redirects.has(reply.status) ? reply.headers.get('location') : undefined
    if (location === undefined) return { status: reply.status, firstByteMs, body }
    url = redirected(url, location)
  }
  throw new TurnpikeError('ERR_MODULE_UPSTREAM', { message: `more than ${MAX_REDIRECTS} redirects` })
}

/** G2: the URL's own login, else the one that is known for the host, over https alone. */
function authorization(url: URL, { username, password, origin }: URL, credentials: Credentials): [string, string][] {
  const own = url.origin === origin && (username !== '' || password !== '')
  const login = own
    ? { username: decodeURIComponent(username), password: decodeURIComponent(password) }
    : credentials.login(url)
  if (login === null || url.protocol !== 'https:') return []
  return [['Authorization', basicCredentials(login)]]
}

/** G3: never from https to http. */
function redirected(from: URL, location: string): URL {
  const to = URL.canParse(location, from.href) ? new URL(location, from.href) : null
  if (to !== null && (to.protocol === 'https:' || (to.protocol === 'http:' && from.protocol === 'http:'))) return to
  const message = 'it redirects to what is not followed'
  throw new TurnpikeError('ERR_MODULE_UPSTREAM', { message })
}

async function beginning(body: AsyncIterable<Buffer>, maxBytes: number): Promise<string> {
  const pieces: Buffer[] = []
  let size = 0
  for await (const piece of body) {
    pieces.push(piece)
    size += piece.length
    if (size >= maxBytes) break
  }
  return Buffer.concat(pieces).toString()
}

async function readFileMember(url: URL, path: string, maxBytes: number): Promise<{ status: number; body: string }> {
  try {
    await using file = await open(join(fileURLToPath(url), path))
    const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(maxBytes) })
    return { status: 200, body: buffer.subarray(0, bytesRead).toString() }
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : ''
    if (code === 'ENOENT' || code === 'ENOTDIR') return { status: 404, body: '' }
    throw new TurnpikeError('ERR_MODULE_UPSTREAM', { message: 'the file cannot be read', cause })
  }
}
