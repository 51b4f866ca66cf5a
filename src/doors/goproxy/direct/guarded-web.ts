import { basicCredentials } from '../../../core/basic-credentials.ts'
import { TurnpikeError } from '../../../core/error.ts'
import type { ClientReply, ClientTimeouts, HttpClient } from '../../../engine/client/http-client.ts'
import type { AddressGuard } from '../../../engine/dial/address-guard.ts'
import { UpstreamTls } from '../../../engine/tls/upstream-tls.ts'
import type { Credentials } from './credentials.ts'

/** A page, wherever redirects led. */
export interface WebReply {
  url: URL
  status: number
  reply: ClientReply
}

/** As many as the go command follows (G3). */
const MAX_REDIRECTS = 10
const redirects = new Set([301, 302, 303, 307, 308])
const timeouts: ClientTimeouts = { connectMs: 10_000, tlsMs: 10_000, firstByteMs: 20_000, stallMs: 20_000 }

/** Reads pages of hosts that others chose: every address is guarded, every redirect looked at by itself (F8). */
export class GuardedWeb {
  private readonly http: HttpClient
  private readonly guard: AddressGuard
  private readonly credentials: Credentials
  private unverified: UpstreamTls | null = null

  constructor(http: HttpClient, guard: AddressGuard, credentials: Credentials) {
    this.http = http
    this.guard = guard
    this.credentials = credentials
  }

  /**
   * Follows redirects, but not from https to http. Rejects with the error of the connection, or ERR_MODULE_VCS where the
   * redirects lead nowhere. `insecure` leaves certificates unchecked. The reply's body is to be read or given up.
   */
  async get(from: URL, insecure: boolean, signal: AbortSignal): Promise<WebReply> {
    let url = from
    for (let followed = 0; followed <= MAX_REDIRECTS; followed++) {
      const reply = await this.request(url, insecure, signal)
      const location = redirects.has(reply.status) ? reply.headers.get('location') : undefined
      if (location === undefined) return { url, status: reply.status, reply }
      await giveUp(reply)
      url = redirected(url, location)
    }
    throw leadsNowhere(from, `it redirects more than ${MAX_REDIRECTS} times`)
  }

  private request(url: URL, insecure: boolean, signal: AbortSignal): Promise<ClientReply> {
    const login = this.credentials.login(url)
    if (insecure) this.unverified ??= new UpstreamTls({ minVersion: '1.2', verify: false })
    return this.http.request({
      method: 'GET',
      url,
      fields: [
        ['Accept-Encoding', 'identity'],
        ...(login === null ? [] : [['Authorization', basicCredentials(login)] as const]),
      ],
      timeouts,
      ...(insecure && this.unverified !== null && { tls: this.unverified }),
      guard: this.guard,
      signal,
    })
  }
}

/** Leaves the body where it is. */
export async function giveUp({ body }: ClientReply): Promise<void> {
  await body[Symbol.asyncIterator]().return?.()
}

function redirected(from: URL, location: string): URL {
  if (!URL.canParse(location, from.href)) throw leadsNowhere(from, 'it redirects to what is no URL')
  const to = new URL(location, from.href)
  if (to.protocol !== 'https:' && (to.protocol !== 'http:' || from.protocol === 'https:')) {
    throw leadsNowhere(from, `it redirects to ${to.protocol}//, which is not followed`)
  }
  return to
}

function leadsNowhere({ host, pathname }: URL, why: string): TurnpikeError {
  return new TurnpikeError('ERR_MODULE_VCS', { message: `${host}${pathname} cannot be read: ${why}.` })
}
