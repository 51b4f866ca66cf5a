import { withoutCredentials, type ProxyListMember } from '../../../gomod/proxy-list.ts'
import type { Finding, Measured, MemberMeasurement } from './chain-report.ts'

const SLOW_MS = 2_000

/** What the measurements of a chain show; `measurements` has one for each member. */
export function lintMeasurements(
  members: readonly ProxyListMember[],
  measurements: readonly MemberMeasurement[],
): Finding[] {
  return members.flatMap((member, index) => {
    const measurement = measurements[index]!
    const isLast = index === members.length - 1
    const lints = unreachable(measurement, member, isLast)
    return lints.length > 0 ? lints : [...tls(measurement), ...answers(measurement, member, isLast)]
  })
}

/** Whether nothing can be had of it, whatever is asked. */
export function isUnreachable({ dns, tcp, tls12, tls13, firstByte }: MemberMeasurement): boolean {
  return failureOf([dns, tcp]) !== null || (tls12?.ok === false && tls13?.ok === false) || isSilent(firstByte)
}

function failureOf(phases: readonly (Measured | null)[]): Measured | null {
  return phases.find((phase) => phase?.ok === false) ?? null
}

function isSilent(firstByte: Measured | null): boolean {
  return firstByte !== null && !firstByte.ok && firstByte.said.startsWith('ERR_')
}

function unreachable(measurement: MemberMeasurement, { url, next }: ProxyListMember, isLast: boolean): Finding[] {
  const { dns, tcp, tls12, tls13, firstByte } = measurement
  const failed = failureOf([dns, tcp]) ?? (isUnreachable(measurement) ? (failureOf([tls13, tls12]) ?? firstByte) : null)
  if (failed === null) return []
  const about = withoutCredentials(url)
  const advice = isLast
    ? 'Take it out, or put a member behind it that can stand in.'
    : 'Take it out, or move it to the end of the proxies.'
  if (failed.said === 'ERR_FIRST_BYTE_TIMEOUT' || failed.said === 'ERR_STALL_TIMEOUT') {
    const text = `It takes the request and does not answer within ${seconds(failed)}. The go command has no deadline for that and waits for ever, whatever mark follows.`
    return [{ level: 'problem', code: 'silent', about, text, advice }]
  }
  const cost = failed.said === 'ERR_CONNECT_TIMEOUT' ? ' after the 30 s that the go command gives a connection' : ''
  const outcome = isLast
    ? 'nobody stands in for it'
    : next === ','
      ? `the comma behind it ends the build${cost}`
      : `the go command goes on to the next${cost}, for every request anew`
  const text = `It cannot be reached (${failed.said} after ${seconds(failed)}): ${outcome}.`
  return [{ level: 'problem', code: 'unreachable', about, text, advice }]
}

function tls({ member: about, tls12, tls13 }: MemberMeasurement): Finding[] {
  if (tls12 === null || tls13 === null || tls13.ok) return []
  return [
    {
      level: 'advice',
      code: 'no-tls13',
      about,
      text: `It speaks TLS 1.2 and not 1.3 (${tls13.said}): a connection costs one more round trip.`,
      advice: 'Where it is yours, or a middlebox of yours is in between, switch TLS 1.3 on.',
    },
  ]
}

function answers(
  { member: about, firstByte, sumdb, path }: MemberMeasurement,
  { next }: ProxyListMember,
  isLast: boolean,
): Finding[] {
  const findings: Finding[] = []
  if (firstByte !== null && !firstByte.ok) {
    const login = firstByte.said === '401' || firstByte.said === '403'
    const outcome = isLast || next === ',' ? 'the build ends there' : 'the go command goes on to the next'
    findings.push({
      level: 'problem',
      code: login ? 'refused' : 'failing',
      about,
      text: `It answers ${path} with ${firstByte.said}: ${outcome}.`,
      advice: login
        ? 'Give the go command a login for it: a netrc file, or GOAUTH.'
        : 'See what its operator says, or take it out.',
    })
  }
  if (firstByte?.ok === true && firstByte.tookMs > SLOW_MS)
    findings.push({
      level: 'advice',
      code: 'slow',
      about,
      text: `It takes ${seconds(firstByte)} to begin an answer.`,
      advice: 'Put a faster member, or a proxy that keeps what it fetched, before it.',
    })
  // G24
  if (sumdb !== null && !sumdb.ok)
    findings.push({
      level: 'problem',
      code: 'sumdb-failing',
      about,
      text: `Asked whether it serves the checksum database, it says ${sumdb.said} rather than 200 or 404: ${next === '|' && !isLast ? 'the next is asked' : 'builds that have to look something up end there'}.`,
      advice: 'Let it answer /sumdb/ with 404 where it does not serve it.',
    })
  return findings
}

function seconds({ tookMs }: Measured): string {
  return tookMs < 1000 ? `${Math.round(tookMs)} ms` : `${(tookMs / 1000).toFixed(1)} s`
}
