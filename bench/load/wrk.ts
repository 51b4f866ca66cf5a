import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { LOAD_CORE } from '../processes.ts'

const run = promisify(execFile)

/** What a browser sends with a small GET. */
export const browserHeaders: Readonly<Record<string, string>> = {
  'User-Agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
  Accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8',
  'Accept-Language': 'en-GB,en;q=0.7,de;q=0.3',
  'Accept-Encoding': 'gzip, deflate, br, zstd',
  Referer: 'http://bench.example/index.html',
  Cookie: 'session=0123456789abcdef0123456789abcdef; theme=dark; consent=yes',
  'Sec-Fetch-Dest': 'document',
  'Sec-Fetch-Mode': 'navigate',
  'Sec-Fetch-Site': 'same-origin',
}

export interface WrkPlan {
  port: number
  tls: boolean
  method: 'GET' | 'POST'
  /** Asked for in turn. */
  paths: readonly string[]
  /** Bytes of request body; 0 for none. */
  bodyLength: number
  connections: number
  seconds: number
  /** Beside what browsers send. */
  headers?: Readonly<Record<string, string>>
  /** Whether `headers` are all that is sent, in place of a browser's. */
  plain?: boolean
  /** Whether the server closes each connection with its reply, which wrk takes for a failed read: those are not counted. */
  closes?: boolean
}

export interface WrkResult {
  requests: number
  /** How long it ran, as it measured itself. */
  microseconds: number
  /** Replies other than 2xx and 3xx, and failed connects, reads, writes and timeouts. */
  errors: number
}

/** One closed-loop run of wrk, one thread, on the load core. */
export async function runWrk(plan: WrkPlan): Promise<WrkResult> {
  const folder = mkdtempSync(path.join(tmpdir(), 'turnpike-wrk-'))
  try {
    const script = path.join(folder, 'load.lua')
    writeFileSync(script, luaFor(plan))
    const { stdout } = await run('taskset', [
      ...`-c ${LOAD_CORE} wrk -t 1 -c ${plan.connections} -d ${plan.seconds}s -s ${script}`.split(' '),
      `${plan.tls ? 'https' : 'http'}://localhost:${plan.port}/`,
    ])
    const found = /TURNPIKE (\d+) (\d+) (\d+)/.exec(stdout)
    if (found === null) throw new Error(`wrk said: ${stdout}`)
    return { requests: Number(found[1]), microseconds: Number(found[2]), errors: Number(found[3]) }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

// Requests are formatted once, in `init`: nothing but an index is computed for each.
function luaFor(plan: WrkPlan): string {
  const headers = Object.entries({ ...(plan.plain === true ? {} : browserHeaders), ...plan.headers }).map(
    ([name, value]) => `wrk.headers[${JSON.stringify(name)}] = ${JSON.stringify(value)}`,
  )
  const rotate = plan.paths.length > 1
  return `
wrk.method = "${plan.method}"
wrk.path = ${JSON.stringify(plan.paths[0])}
wrk.headers["Host"] = "bench.example"
${headers.join('\n')}
${plan.bodyLength > 0 ? `wrk.body = string.rep("b", ${plan.bodyLength})` : ''}
${
  rotate
    ? `local requests, at = {}, 0
function init(args)
${plan.paths.map((each) => `  requests[#requests + 1] = wrk.format(nil, ${JSON.stringify(each)})`).join('\n')}
end
function request()
  at = at % #requests + 1
  return requests[at]
end`
    : ''
}
function done(summary)
  local e = summary.errors
  print(string.format("TURNPIKE %d %d %d", summary.requests, summary.duration, e.status + e.connect + ${plan.closes === true ? '' : 'e.read + '}e.write + e.timeout))
end
`
}
