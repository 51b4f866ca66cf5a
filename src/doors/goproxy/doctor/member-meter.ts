import { isIPv4, isIPv6 } from '../../../core/ip.ts'
import { CidrSet } from '../../../core/address.ts'
import { TurnpikeError } from '../../../core/error.ts'
import type { Dialled } from '../../../engine/dial/dialled.ts'
import type { EngineServices } from '../../../engine/services.ts'
import { Deadline } from '../../../engine/timers.ts'
import { machineAuthorities } from '../../../engine/tls/machine-authorities.ts'
import type { TlsVersion } from '../../../engine/tls/tls-material.ts'
import type { UpstreamSecurity } from '../../../engine/tls/upstream-security.ts'
import { UpstreamTls } from '../../../engine/tls/upstream-tls.ts'
import { PublicAddresses } from '../../../policy/public-addresses.ts'
import type { MemberConfig } from '../config.ts'
import type { Measured, MemberMeasurement } from './chain-report.ts'
import { askMember, type AskedMember, type RequestParts } from './member-request.ts'

/** Of a list or a note as much as shows that they come. */
const MAX_BYTES = 16 * 1024

export interface MeterParts extends RequestParts {
  services: EngineServices
  /** A file that the members are asked for: `/golang.org/x/mod/@v/list`. */
  path: string
  /** Name of the checksum database that members may serve; null for none. */
  sumdb: string | null
}

/** Measures one member, each thing by itself and each with its deadline. */
export async function measureMember(member: AskedMember, parts: MeterParts): Promise<MemberMeasurement> {
  const { path } = parts
  const found = { ...unmeasured(member.name), path }
  if (member.url.protocol === 'file:') return { ...found, firstByte: await timeReply(member, path, parts) }
  const { dns, addresses } = await timeResolving(member, parts.services)
  const guard = new PublicAddresses(new CidrSet([]))
  const isPublic = addresses.length === 0 ? null : addresses.some((address) => guard.allows(address))
  if (dns?.ok === false) return { ...found, dns, isPublic }
  const tcp = await timeConnecting(member, null, parts.services)
  if (!tcp.ok) return { ...found, dns, tcp, isPublic }
  const handshake = async (version: TlsVersion): Promise<Measured | null> =>
    member.url.protocol === 'https:'
      ? timeConnecting(member, timedTls(member.tlsSettings, version, parts), parts.services)
      : null
  const [tls12, tls13] = [await handshake('1.2'), await handshake('1.3')]
  const reached = { ...found, dns, tcp, tls12, tls13, isPublic }
  if (tls12?.ok === false && tls13?.ok === false) return reached
  const firstByte = await timeReply(member, path, parts)
  const sumdb = parts.sumdb === null ? null : await timeReply(member, `/sumdb/${parts.sumdb}/supported`, parts)
  return { ...reached, firstByte, sumdb }
}

/** Of a member that cannot be measured: direct and off. */
export function unmeasured(member: string): MemberMeasurement {
  const nothing = { dns: null, tcp: null, tls12: null, tls13: null, firstByte: null, sumdb: null, isPublic: null }
  return { member, path: '', ...nothing }
}

function timeResolving(
  { url, timeouts }: AskedMember,
  { world, timers }: EngineServices,
): Promise<{ dns: Measured | null; addresses: string[] }> {
  const host = hostOf(url)
  if (isIPv4(host) || isIPv6(host)) return Promise.resolve({ dns: null, addresses: [host] })
  const { promise, resolve } = Promise.withResolvers<{ dns: Measured; addresses: string[] }>()
  const startedAt = world.now()
  const done = (ok: boolean, said: string, addresses: string[]): void => {
    timers.remove(deadline)
    resolve({ dns: { ok, tookMs: world.now() - startedAt, said }, addresses })
  }
  const deadline = new Deadline(() => done(false, 'ERR_DNS_TIMEOUT', []))
  timers.set(deadline, 'connect', startedAt, timeouts.connectMs)
  world.resolve(host, (error, found) => {
    const addresses = found.map(({ address }) => address)
    if (error !== null || addresses.length === 0) done(false, 'ERR_DNS', [])
    else done(true, addresses.join(' '), addresses)
  })
  return promise
}

/** With `tls`, the time of the handshake alone. */
function timeConnecting(
  { url, timeouts }: AskedMember,
  tls: TimedTls | null,
  { dialler, world }: EngineServices,
): Promise<Measured> {
  const { promise, resolve } = Promise.withResolvers<Measured>()
  const startedAt = world.now()
  const tookMs = (): number => world.now() - (tls?.startedAt ?? startedAt)
  const target = {
    kind: 'tcp',
    host: hostOf(url),
    port: Number(url.port) || (url.protocol === 'https:' ? 443 : 80),
  } as const
  dialler.dial(
    target,
    { connectMs: timeouts.connectMs, tlsMs: timeouts.tlsMs, tls },
    {
      connected(connection) {
        const said = tls === null ? addressOf(connection) : (connection.tlsVersion ?? '')
        connection.abandon()
        resolve({ ok: true, tookMs: tookMs(), said })
      },
      failed: (error) => resolve({ ok: false, tookMs: tookMs(), said: error.code }),
    },
  )
  return promise
}

function addressOf({ address }: Dialled): string {
  return address.kind === 'tcp' ? address.host : address.path
}

interface TimedTls extends UpstreamSecurity {
  /** When the handshake began, null before. */
  startedAt: number | null
}

function timedTls({ ca, cert, key }: MemberConfig['tls'], version: TlsVersion, { world }: RequestParts): TimedTls {
  const security = new UpstreamTls({
    ca: ca?.text ?? machineAuthorities(),
    ...(cert !== undefined && key !== undefined && { cert: cert.text, key: key.text }),
    minVersion: version,
    maxVersion: version,
    verify: true,
  })
  const timed: TimedTls = {
    startedAt: null,
    secure(...handshake) {
      timed.startedAt = world.now()
      return security.secure(...handshake)
    },
  }
  return timed
}

async function timeReply(member: AskedMember, path: string, parts: RequestParts): Promise<Measured> {
  const startedAt = parts.world.now()
  try {
    const { status, firstByteMs } = await askMember(member, path, MAX_BYTES, parts)
    return { ok: status === 200 || status === 404 || status === 410, tookMs: firstByteMs, said: String(status) }
  } catch (error) {
    return { ok: false, tookMs: parts.world.now() - startedAt, said: TurnpikeError.from(error, 'body').code }
  }
}

function hostOf(url: URL): string {
  return url.hostname.replace(/^\[(.*)\]$/, '$1')
}
