import { withoutCredentials, type ProxyList, type ProxyListMember } from '../../../gomod/proxy-list.ts'
import { memberKey } from './chain-lints.ts'
import type { MemberMeasurement } from './chain-report.ts'
import { isUnreachable } from './measurement-lints.ts'

/**
 * The chain as it should be: without what is never read, stands there twice or cannot be reached; `|` between proxies, `,`
 * before direct and off. Null where that is what it is, or nothing would be left.
 */
export function recommendedChain(
  { members, unread }: ProxyList,
  measurements: readonly MemberMeasurement[],
): string | null {
  const seen = new Set<string>()
  const kept = members.filter(({ url }, index) => {
    if (seen.has(memberKey(url)) || isUnreachable(measurements[index]!)) return false
    seen.add(memberKey(url))
    return true
  })
  const text = chainText(kept)
  if (kept.length === 0 || (text === chainAsItIs(members) && unread.length === 0)) return null
  return text
}

function chainText(members: readonly ProxyListMember[]): string {
  return members
    .map(({ url }, index) => {
      const after = members[index + 1]?.url
      const mark = after === undefined ? '' : after === 'direct' || after === 'off' ? ',' : '|'
      return withoutCredentials(url) + mark
    })
    .join('')
}

function chainAsItIs(members: readonly ProxyListMember[]): string {
  return members
    .map(({ url, next }, index) => withoutCredentials(url) + (index < members.length - 1 ? next : ''))
    .join('')
}
