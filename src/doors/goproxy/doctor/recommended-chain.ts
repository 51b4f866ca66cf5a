import { withoutCredentials, type ProxyList, type ProxyListMember } from '../../../gomod/proxy-list.ts'
import { memberKey } from './chain-lints.ts'
import type { MemberMeasurement } from './chain-report.ts'
import { isUnreachable } from './measurement-lints.ts'

/**
 * The chain as it should be: without what is never read or stands there twice; proxies that cannot be reached behind those
 * that can; `|` between proxies, `,` before direct and off. Null where that is what it is.
 */
export function recommendedChain(
  { members, unread }: ProxyList,
  measurements: readonly MemberMeasurement[],
): string | null {
  const urls = members.map(({ url }) => url)
  const rank = ({ url }: ProxyListMember): number =>
    isEnd(url) ? 2 : Number(isUnreachable(measurements[urls.indexOf(url)]!))
  const seen = new Set<string>()
  const kept = members.filter(({ url }) => {
    const isFirst = !seen.has(memberKey(url))
    seen.add(memberKey(url))
    return isFirst
  })
  const text = chainText(kept.toSorted((a, b) => rank(a) - rank(b)))
  return text === chainAsItIs(members) && unread.length === 0 ? null : text
}

function isEnd(url: string | undefined): boolean {
  return url === 'direct' || url === 'off'
}

function chainText(members: readonly ProxyListMember[]): string {
  return members
    .map(({ url }, index) => {
      const after = members[index + 1]?.url
      const mark = after === undefined ? '' : isEnd(after) ? ',' : '|'
      return withoutCredentials(url) + mark
    })
    .join('')
}

function chainAsItIs(members: readonly ProxyListMember[]): string {
  return members
    .map(({ url, next }, index) => withoutCredentials(url) + (index < members.length - 1 ? next : ''))
    .join('')
}
