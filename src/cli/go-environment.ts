import { spawnSync } from 'node:child_process'

/** What the go command would go by on this machine. */
export interface GoEnvironment {
  /** GOPROXY. */
  chain: string
  /** Where that was found. */
  source: 'GOPROXY' | 'go env GOPROXY' | 'nothing says otherwise'
  /** GONOPROXY, which is GOPRIVATE where it is not set. */
  private: string[]
  /** GOINSECURE. */
  insecure: string[]
  /** GOSUMDB, as the config takes it. */
  sumdb: 'off' | { name?: string; key?: string; url?: string }
  /** All of them as they stand there, '' where nothing does. */
  settings: Readonly<Record<(typeof names)[number], string>>
}

const names = ['GOPROXY', 'GOPRIVATE', 'GONOPROXY', 'GONOSUMDB', 'GOINSECURE', 'GOSUMDB', 'GOFLAGS'] as const

/** Reads the environment, and asks the go command, where there is one, for what it was told by `go env -w`. */
export function goEnvironment(env: Readonly<Record<string, string | undefined>>): GoEnvironment {
  const told = askGo(env)
  const value = (name: (typeof names)[number]): string => env[name] || told[name] || ''
  return {
    chain: value('GOPROXY') || 'direct',
    source: env['GOPROXY'] ? 'GOPROXY' : told['GOPROXY'] ? 'go env GOPROXY' : 'nothing says otherwise',
    private: patterns(value('GONOPROXY') || value('GOPRIVATE')),
    insecure: patterns(value('GOINSECURE')),
    sumdb: sumdbOf(value('GOSUMDB')),
    settings: {
      GOPROXY: value('GOPROXY'),
      GOPRIVATE: value('GOPRIVATE'),
      GONOPROXY: value('GONOPROXY'),
      GONOSUMDB: value('GONOSUMDB'),
      GOINSECURE: value('GOINSECURE'),
      GOSUMDB: value('GOSUMDB'),
      GOFLAGS: value('GOFLAGS'),
    },
  }
}

function askGo(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const asked = spawnSync('go', ['env', '-json', ...names], {
    encoding: 'utf8',
    env: { ...env },
    timeout: 10_000,
    maxBuffer: 1024 * 1024,
  })
  if (asked.error !== undefined || asked.status !== 0) return {}
  const answer: unknown = JSON.parse(asked.stdout)
  return typeof answer === 'object' && answer !== null
    ? Object.fromEntries(
        Object.entries(answer).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
      )
    : {}
}

function patterns(text: string): string[] {
  return text
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '' && each !== 'none')
}

/** `off`, `NAME`, `NAME+HASH+KEY`, either of the two with a URL behind it (cmd/go: `go help environment`). */
function sumdbOf(text: string): GoEnvironment['sumdb'] {
  if (text === 'off') return 'off'
  const [first = '', url] = text.split(/\s+/).filter((each) => each !== '')
  const name = first.split('+', 1)[0]!
  return {
    ...(name !== '' && { name }),
    ...(first.includes('+') && { key: first }),
    ...(url !== undefined && { url: url.includes('://') ? url : `https://${url}` }),
  }
}
