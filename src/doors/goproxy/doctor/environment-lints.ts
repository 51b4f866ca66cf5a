import { compileGlob } from '../../../gomod/glob.ts'
import type { ProxyListMember } from '../../../gomod/proxy-list.ts'
import type { Finding } from './chain-report.ts'

/** Settings of the go command, as they stand there; '' where nothing does. */
export type GoSettings = Readonly<Partial<Record<GoSetting, string>>>

export type GoSetting =
  | 'GOPROXY'
  | 'GOPRIVATE'
  | 'GONOPROXY'
  | 'GONOSUMDB'
  | 'GOSUMDB'
  | 'GOINSECURE'
  | 'GOFLAGS'
  | 'HTTP_PROXY'
  | 'HTTPS_PROXY'

/** What settings besides the chain do to it. */
export function lintEnvironment(settings: GoSettings, members: readonly ProxyListMember[]): Finding[] {
  const value = (name: GoSetting): string => settings[name] ?? ''
  return [
    ...(['GOPRIVATE', 'GONOPROXY', 'GONOSUMDB', 'GOINSECURE'] as const).flatMap((name) => patterns(name, value(name))),
    ...noPrivate(value('GONOPROXY') || value('GOPRIVATE'), members),
    ...toldToDatabase(value('GOPRIVATE'), value('GONOSUMDB'), value('GOSUMDB')),
    ...unverified(value('GOSUMDB'), value('GONOSUMDB')),
    ...flags(value('GOFLAGS')),
    ...insecure(value('GOINSECURE')),
    ...parent(value('HTTPS_PROXY') === '' ? 'HTTP_PROXY' : 'HTTPS_PROXY', value('HTTPS_PROXY') || value('HTTP_PROXY')),
  ]
}

/** x/mod/module MatchPrefixPatterns: blanks belong to a pattern, and a malformed one matches nothing. */
function patterns(name: GoSetting, text: string): Finding[] {
  return text.split(',').flatMap((pattern): Finding[] => {
    const about = name
    if (pattern !== pattern.trim() && pattern.trim() !== '')
      return [
        {
          level: 'problem',
          code: 'blank-in-pattern',
          about,
          text: `The blank in ${JSON.stringify(pattern)} belongs to the pattern, which therefore matches nothing.`,
          advice: 'Write commas without blanks.',
        },
      ]
    if (compileGlob(pattern) !== null && !pattern.includes('://')) return []
    return [
      {
        level: 'problem',
        code: 'bad-pattern',
        about,
        text: `${JSON.stringify(pattern)} matches no module path.`,
        advice: 'Patterns are module path prefixes: git.example.com, *.corp.example.com/team.',
      },
    ]
  })
}

function noPrivate(text: string, members: readonly ProxyListMember[]): Finding[] {
  const proxies = members.filter(({ url }) => url !== 'direct' && url !== 'off')
  if (text !== '' || proxies.length === 0) return []
  return [
    {
      level: 'advice',
      code: 'no-private',
      about: 'GOPRIVATE',
      text: 'No module counts as private: the name of each that a build needs is told to every proxy that is asked.',
      advice: 'Set GOPRIVATE to the prefixes of your own modules, unless the first proxy keeps them to itself.',
    },
  ]
}

function toldToDatabase(goprivate: string, gonosumdb: string, gosumdb: string): Finding[] {
  if (gonosumdb === '' || gosumdb === 'off') return []
  const covered = new Set(gonosumdb.split(','))
  const left = goprivate.split(',').filter((pattern) => pattern !== '' && !covered.has(pattern))
  if (left.length === 0) return []
  return [
    {
      level: 'problem',
      code: 'told-to-sumdb',
      about: 'GONOSUMDB',
      text: `It takes the place of GOPRIVATE and has no ${left.join(', ')}: the names of those modules are told to the checksum database.`,
      advice: 'Add them to GONOSUMDB, or unset it.',
    },
  ]
}

function unverified(gosumdb: string, gonosumdb: string): Finding[] {
  const all = gonosumdb.split(',').some((pattern) => /^\*+$/.test(pattern))
  if (gosumdb !== 'off' && !all) return []
  return [
    {
      level: 'advice',
      code: 'unverified',
      about: gosumdb === 'off' ? 'GOSUMDB' : 'GONOSUMDB',
      text: 'What is not in go.sum yet is believed to whoever sends it.',
      advice: 'Let the checksum database be asked for all but private modules: use GOPRIVATE.',
    },
  ]
}

function flags(text: string): Finding[] {
  const words = text.split(/\s+/)
  const findings: Finding[] = []
  if (words.some((word) => /^--?insecure(?:=|$)/.test(word)))
    findings.push({
      level: 'problem',
      code: 'insecure-flag',
      about: 'GOFLAGS',
      text: 'go get stops at -insecure, and nothing else looks at it.',
      advice: 'Use GOINSECURE with the prefixes that need it.',
    })
  if (words.some((word) => /^--?mod=vendor$/.test(word)))
    findings.push({
      level: 'advice',
      code: 'vendor-flag',
      about: 'GOFLAGS',
      text: '-mod=vendor: builds use the vendor folder, and no member of the chain is asked.',
      advice: 'Leave it out to try the chain.',
    })
  return findings
}

function insecure(text: string): Finding[] {
  if (text === '') return []
  return [
    {
      level: 'advice',
      code: 'insecure',
      about: 'GOINSECURE',
      text: `${text}: these come from git hosts over plain http, or with any certificate. It makes no difference to proxies.`,
      advice: 'Keep it as short as can be.',
    },
  ]
}

function parent(name: GoSetting, value: string): Finding[] {
  if (value === '') return []
  return [
    {
      level: 'advice',
      code: 'parent',
      about: name,
      text: 'The go command goes through this proxy. What is measured here goes straight to the members.',
      advice: 'Where that makes a difference, measure on a machine that may go straight.',
    },
  ]
}
