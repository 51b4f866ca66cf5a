import { TurnpikeError } from '../../core/error.ts'
import type { ParentRoute } from '../dial/parent.ts'
import { KeptPools } from '../http1/kept-pools.ts'
import { Pool } from '../http1/pool.ts'
import type { Scope } from '../scope.ts'
import type { EngineServices } from '../services.ts'
import { machineAuthorities } from '../tls/machine-authorities.ts'
import type { UpstreamSecurity } from '../tls/upstream-security.ts'
import { UpstreamTls } from '../tls/upstream-tls.ts'
import { ClientCall } from './client-call.ts'
import type { ClientReply, ClientRequest, HttpClient } from './http-client.ts'

/** Of one origin. Who asks bounds what is asked at a time; this bounds the sockets whatever they do. */
const MAX_CONNECTIONS = 1_024
const IDLE_MS = 30_000
/** Of any time: discovery asks hosts that others choose. */
const MAX_ORIGINS = 256

/** The HTTP/1.1 client: everything of it ends with its scope. */
export class PooledHttpClient implements HttpClient, Disposable {
  private readonly services: EngineServices
  private readonly via: string
  private readonly parents: ParentRoute | null
  private readonly pools = new KeptPools<Pool>(MAX_ORIGINS)
  private readonly open = new Set<ClientCall>()
  private readonly tlsNumbers = new WeakMap<UpstreamSecurity, number>()
  private tlsCount = 0
  private usualTls: UpstreamSecurity | null = null
  private closed = false

  /**
   * `via`: this instance's name in `Via`, by which a chain that leads back here is noticed (H14); '' for no `Via`.
   * `parents`: what requests go through that say nothing else. Default: none.
   */
  constructor(services: EngineServices, via: string, scope: Scope, parents: ParentRoute | null = null) {
    this.services = services
    this.via = via
    this.parents = parents
    scope.use(this)
  }

  async request(request: ClientRequest): Promise<ClientReply> {
    if (this.closed) throw new TurnpikeError('ERR_DRAINING', { phase: 'dial' })
    const { protocol } = request.url
    if (protocol !== 'http:' && protocol !== 'https:') {
      const message = `${protocol} is not spoken: requests go by http or https.`
      throw new TurnpikeError('ERR_CONNECT_FAILED', { message, retry: false })
    }
    const { ledger } = this.services
    const call: ClientCall = new ClientCall(request, this.pool(request), this.services, () => {
      this.open.delete(call)
      ledger.strike('ownRequests')
    })
    ledger.enter('ownRequests')
    this.open.add(call)
    return await call.start()
  }

  [Symbol.dispose](): void {
    this.closed = true
    for (const call of this.open) call.cut(new TurnpikeError('ERR_DRAINING', { phase: 'dial' }))
    this.pools[Symbol.dispose]()
  }

  private pool(request: ClientRequest): Pool {
    const { url, guard = null, via = this.parents } = request
    const tls = url.protocol === 'https:' ? (request.tls ?? this.machineTls()) : null
    const key = `${url.origin} ${tls === null ? '' : this.tlsNumber(tls)} ${guard === null ? '' : guard.key} ${via === null ? '' : via.key}`
    return this.pools.find(key) ?? this.pools.add(key, this.makePool(request, tls))
  }

  private makePool(request: ClientRequest, tls: UpstreamSecurity | null): Pool {
    const { url, guard = null, timeouts } = request
    const { via } = this
    return new Pool(this.services, {
      target: {
        kind: 'tcp',
        host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
        port: url.port === '' ? (tls === null ? 80 : 443) : Number(url.port),
      },
      tls,
      guard,
      via: request.via === undefined ? this.parents : request.via,
      egress: {
        host: 'preserve',
        endpointAuthority: url.host,
        via,
        viaLine: via === '' ? '' : `Via: 1.1 ${via}\r\n`,
        own: true,
      },
      max: MAX_CONNECTIONS,
      idleMs: IDLE_MS,
      connectMs: timeouts.connectMs,
      tlsMs: timeouts.tlsMs,
      timeouts,
    })
  }

  private machineTls(): UpstreamSecurity {
    this.usualTls ??= new UpstreamTls({ ca: machineAuthorities(), minVersion: '1.2', verify: true })
    return this.usualTls
  }

  private tlsNumber(tls: UpstreamSecurity): number {
    const known = this.tlsNumbers.get(tls)
    if (known !== undefined) return known
    this.tlsNumbers.set(tls, ++this.tlsCount)
    return this.tlsCount
  }
}
