import { parseProxyList, withoutCredentials, type ProxyList, type ProxyListMember } from '../../../gomod/proxy-list.ts'
import type { Finding } from './chain-report.ts'

/** What is wrong with a chain by its text alone. */
export function lintChain(text: string): Finding[] {
  let list: ProxyList
  try {
    list = parseProxyList(text)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    return [unreadable(text, error)]
  }
  const { members, unread } = list
  return [
    ...unread.map((entry) => neverRead(entry, members.at(-1)!.url)),
    ...emptyEntries(text),
    ...duplicates(members),
    ...members.flatMap((member, index) => marks(member, members[index + 1])),
    ...members.flatMap(transport),
  ]
}

function unreadable(text: string, { message }: RangeError): Finding {
  const mode = /(?:^|[,|])\s*(direct|off)\+/.exec(text)?.[1]
  const advice =
    mode === undefined
      ? 'Write URLs with https, http or file, direct or off, with , or | between them.'
      : `There is no such mode: name the proxy, then ${mode}, as in https://proxy.example.com,${mode}.`
  return { level: 'problem', code: 'no-chain', about: 'chain', text: `The go command refuses it: ${message}.`, advice }
}

function neverRead(entry: string, last: string): Finding {
  return {
    level: 'problem',
    code: 'never-read',
    about: withoutCredentials(entry),
    text: `Nothing behind ${last} is ever read.`,
    advice: `Put it before ${last}, or leave it out.`,
  }
}

/** G10: they are skipped, and so are their marks. */
function emptyEntries(text: string): Finding[] {
  const [read = ''] = /^.*?(?=[,|]\s*(?:direct|off)\s*(?:[,|]|$)|$)/s.exec(text) ?? []
  const entries = (read === '' ? text : read).split(/[,|]/)
  if (entries.every((entry) => entry.trim() !== '')) return []
  return [
    {
      level: 'advice',
      code: 'empty-entry',
      about: 'chain',
      text: 'It has empty entries. They are skipped, and the mark behind them counts for nothing.',
      advice: 'Leave one mark between two members, and none at the end.',
    },
  ]
}

function duplicates(members: readonly ProxyListMember[]): Finding[] {
  const seen = new Set<string>()
  return members.flatMap(({ url }) => {
    const key = memberKey(url)
    if (!seen.has(key)) {
      seen.add(key)
      return []
    }
    return [
      {
        level: 'problem' as const,
        code: 'duplicate',
        about: withoutCredentials(url),
        text: 'It stands in the chain twice: what it did not have, or could not say, is asked for again.',
        advice: 'Leave the second one out.',
      },
    ]
  })
}

/** The same for two that lead to the same place. */
export function memberKey(url: string): string {
  return URL.canParse(url) ? withoutCredentials(new URL(url).href).replace(/\/+$/, '') : url
}

/** What the mark between two members does (G4). */
function marks({ url, next }: ProxyListMember, after: ProxyListMember | undefined): Finding[] {
  if (after === undefined) return []
  const about = withoutCredentials(url)
  const last = after.url === 'direct' || after.url === 'off'
  if (next === ',' && !last) {
    const text = `Behind a comma, ${withoutCredentials(after.url)} is asked on 404 and 410 alone: a 502, a 403, a reset or a timeout of ${about} ends the build.`
    const advice = 'Write | between the two where the second is there for when the first is down.'
    return [{ level: 'advice', code: 'comma-stops', about, text, advice }]
  }
  if (next === '|' && after.url === 'direct') {
    const text = `Whatever goes wrong at ${about}, a refusal included, sends the go command to the git host that a module path names: names of private modules are told there, and denied modules come after all.`
    const advice = 'Write , before direct: only what does not exist is looked for there.'
    return [{ level: 'problem', code: 'pipe-before-direct', about, text, advice }]
  }
  if (next === '|' && after.url === 'off') {
    const text = 'off ends the chain either way.'
    return [{ level: 'advice', code: 'mark-before-off', about, text, advice: 'A comma says the same.' }]
  }
  return []
}

function transport({ url }: ProxyListMember): Finding[] {
  if (!URL.canParse(url)) return []
  const { protocol, hostname, username, password } = new URL(url)
  const about = withoutCredentials(url)
  const hasLogin = username !== '' || password !== ''
  const findings: Finding[] = []
  if (protocol === 'http:' && !isOwnMachine(hostname))
    findings.push({
      level: 'problem',
      code: 'plain-http',
      about,
      text: 'Everybody on the way can read and change what it says, and the go command sends no login there.',
      advice: 'Use https.',
    })
  if (protocol === 'http:' && hasLogin)
    findings.push({
      level: 'problem',
      code: 'login-over-http',
      about,
      text: 'The go command refuses to send a login over http: every request fails.',
      advice: 'Use https.',
    })
  else if (hasLogin)
    findings.push({
      level: 'advice',
      code: 'login-in-chain',
      about,
      text: 'Its login stands in the chain, where other programs, logs and CI output show it.',
      advice: 'Put it into a netrc file, or use GOAUTH.',
    })
  return findings
}

function isOwnMachine(hostname: string): boolean {
  return (
    hostname === 'localhost' || hostname.endsWith('.localhost') || hostname === '[::1]' || hostname.startsWith('127.')
  )
}
