import { basicCredentials } from '../../../core/basic-credentials.ts'
import { TurnpikeError } from '../../../core/error.ts'
import type { ClientReply, ClientTimeouts, HttpClient } from '../../../engine/client/http-client.ts'
import type { AddressGuard } from '../../../engine/dial/address-guard.ts'
import type { ParentRoute } from '../../../engine/dial/parent.ts'
import { freePiece } from '../../../engine/http1/free-piece.ts'
import type { Scope } from '../../../engine/scope.ts'
import type { EngineServices } from '../../../engine/services.ts'
import type { MemberConfig } from '../config.ts'
import type { Credentials } from '../direct/credentials.ts'
import { errorText } from './error-text.ts'
import { Gathered } from './gathered.ts'
import { contentError, downError, failureError, statusError, tooLarge, UnwantedStatus } from './member-error.ts'
import { MemberHealth } from './member-health.ts'
import { memberTls, type MemberTls } from './member-tls.ts'
import type { FileSink, ModuleFiles } from './module-files.ts'

/** As many as the go command follows (G3). */
const MAX_REDIRECTS = 10
const redirects = new Set([301, 302, 303, 307, 308])

export interface HttpFilesParts {
  /** With credentials, where it has any. */
  url: URL
  name: string
  settings: MemberConfig
  credentials: Credentials
  http: HttpClient
  /** The parents to go through, null for none. Absent: those of `http`. */
  parents?: ParentRoute | null
  /** For addresses that the member sends us to: somebody else's choice (F8). */
  guard: AddressGuard
  services: EngineServices
  scope: Scope
}

/** The files of a member that is asked by http or https. */
export class HttpFiles implements ModuleFiles {
  readonly name: string
  readonly health: MemberHealth
  /** What its last connection spoke, such as `TLSv1.3`; null over plain text and before the first. */
  tlsVersion: string | null = null
  private readonly parts: HttpFilesParts
  /** Null before there is use for it. */
  private tls: MemberTls | null
  private readonly timeouts: ClientTimeouts

  constructor(parts: HttpFilesParts) {
    const { name, settings, services, scope } = parts
    this.parts = parts
    this.name = name
    this.tls = parts.url.protocol === 'https:' ? memberTls(settings.tls) : null
    this.timeouts = timeoutsOf(settings.timeouts)
    const probe = (signal: AbortSignal): Promise<void> => this.probe(signal)
    this.health = new MemberHealth({ name, settings: settings.health, services, scope, probe })
  }

  async read(path: string, maxBytes: number, signal: AbortSignal): Promise<Buffer> {
    const gathered = new Gathered()
    await this.copy(path, gathered, maxBytes, signal)
    return gathered.bytes
  }

  async copy(path: string, into: FileSink, maxBytes: number, signal: AbortSignal): Promise<void> {
    const { name } = this
    const { world } = this.parts.services
    const startedAt = world.now()
    const { trouble } = this.health
    if (trouble !== null) throw downError(trouble)
    try {
      const reply = await this.get(path, signal)
      const latencyMs = world.now() - startedAt
      let size = 0
      // What is thrown in here gives the rest of the body up.
      for await (const piece of reply.body) {
        if (size === 0 && reply.length >= 0) into.expected = reply.length
        size += piece.length
        if (Math.max(size, reply.length) > maxBytes) throw tooLarge(name, maxBytes)
        await into.write(piece)
        if ((into.path ?? null) !== null) freePiece(piece)
      }
      this.health.succeeded(latencyMs)
    } catch (thrown) {
      throw this.failed(thrown)
    }
    await into.end()
  }

  /** A reply with status 200, redirects followed. */
  private async get(path: string, signal: AbortSignal): Promise<ClientReply> {
    const { name } = this
    let url = below(this.parts.url, path)
    for (let followed = 0; followed <= MAX_REDIRECTS; followed++) {
      const reply = await this.ask(url, this.timeouts, signal)
      const { status, headers } = reply
      const location = redirects.has(status) ? headers.get('location') : undefined
      if (location !== undefined) {
        await errorText(reply)
        url = this.redirected(url, location)
        continue
      }
      const coding = headers.get('content-encoding') ?? 'identity'
      if (status === 200 && coding === 'identity') return reply
      const text = await errorText(reply)
      throw status === 200
        ? contentError(name, `sent ${coding}, which was not asked for.`)
        : statusError(name, status, text)
    }
    throw contentError(name, `redirects more than ${MAX_REDIRECTS} times.`)
  }

  private async ask(url: URL, timeouts: ClientTimeouts, signal: AbortSignal): Promise<ClientReply> {
    const { guard, parents } = this.parts
    const own = url.origin === this.parts.url.origin
    if (url.protocol === 'https:') this.tls ??= memberTls(this.parts.settings.tls)
    const tls = own ? this.tls?.member : this.tls?.others
    const reply = await this.parts.http.request({
      method: 'GET',
      url,
      fields: [['Accept-Encoding', 'identity'], ...(own ? this.authorization(url) : [])],
      timeouts,
      ...(tls === undefined ? {} : { tls }),
      guard: own ? null : guard,
      ...(parents === undefined ? {} : { via: parents }),
      signal,
    })
    if (own) this.noteTls(reply.tlsVersion)
    return reply
  }

  /** Of the URL in the chain, else by host; over https alone (G2). */
  private authorization(url: URL): (readonly [string, string])[] {
    const { url: member, credentials } = this.parts
    if (url.protocol !== 'https:') return []
    const login =
      member.username === '' && member.password === ''
        ? credentials.login(url)
        : { username: decodeURIComponent(member.username), password: decodeURIComponent(member.password) }
    if (login === null) return []
    return [['Authorization', basicCredentials(login)]]
  }

  private redirected(from: URL, location: string): URL {
    const { name } = this
    if (!URL.canParse(location, from.href)) throw contentError(name, 'redirects to what is no URL.')
    const to = new URL(location, from.href)
    if (to.protocol !== 'https:' && (to.protocol !== 'http:' || from.protocol === 'https:'))
      throw contentError(name, `redirects from ${from.protocol} to ${to.protocol}, which is not followed.`)
    return to
  }

  private noteTls(version: string | null): void {
    if (version === this.tlsVersion) return
    this.tlsVersion = version
    const { notify } = this.parts.services
    // TLS 1.3 was offered.
    if (version === 'TLSv1.2')
      notify('warn', 'a member of the module chain fell back to TLS 1.2', { member: this.name })
  }

  /** What went wrong with a request or its body, after its health was told. */
  private failed(thrown: unknown): TurnpikeError {
    const error = failureError(this.name, thrown)
    const { cause } = error
    if (cause instanceof UnwantedStatus && cause.status < 500) this.health.answered()
    else if (cause instanceof UnwantedStatus || isOfConnection(cause)) this.health.failed(error)
    return error
  }

  private async probe(signal: AbortSignal): Promise<void> {
    const reply = await this.ask(this.parts.url, this.timeouts, signal)
    await errorText(reply)
    if (reply.status >= 500) throw statusError(this.name, reply.status, '')
  }
}

function isOfConnection(cause: unknown): boolean {
  return cause instanceof TurnpikeError && cause.source === 'upstream' && cause.code !== 'ERR_ADDRESS_FORBIDDEN'
}

function timeoutsOf({ connect, tls, firstByte, stall }: MemberConfig['timeouts']): ClientTimeouts {
  return { connectMs: connect, tlsMs: tls, firstByteMs: firstByte, stallMs: stall }
}

/** Below the member's own path, its query kept; a `%` of a name is no escape. */
function below(base: URL, path: string): URL {
  const url = new URL(base)
  url.pathname = base.pathname.replace(/\/+$/, '') + encodeURI(path).replaceAll('?', '%3F').replaceAll('#', '%23')
  return url
}
