import { parseArgs } from 'node:util'
import { ConfigError, renderProblem } from '../config/errors.ts'
import { findConfigFile } from '../config/find.ts'
import { configFileNames, loadConfig } from '../config/load.ts'
import { decide, type Decision, type Question } from '../decision.ts'
import { exit, type CliIo } from './io.ts'

const usage = `Usage: turnpike explain [--config FILE] METHOD URL [-H 'NAME: VALUE']...

Says which listener, route and upstream would serve a request, and why the other
routes would not. URL is http://HOST/PATH, https://HOST/PATH, or /PATH alone: a
request without a host, which only routes for every host take.

  -c, --config FILE      default: ${configFileNames.slice(0, -1).join(', ')}
                         or ${configFileNames.at(-1)}, the first that is there
  -H, --header 'N: V'    a header field of the request; may be repeated
      --listener NAME    default: by the port and scheme of URL
      --json             prints JSON
  -h, --help             shows this

Exit code: 0 a route serves it, 1 none does or the config is at fault, 2 wrong usage.
`

/** Losers shown to people; JSON has all. */
const shownLosers = 12

/** `turnpike explain`: 0 where a route serves the request, 1 where none does, 2 for wrong usage. */
export async function explain(args: string[], io: CliIo): Promise<number> {
  const wrong = (message: string) => {
    io.stderr.write(`${message}\n\n${usage}`)
    return exit.usage
  }
  let parsed: ReturnType<typeof parse>
  try {
    parsed = parse(args)
  } catch (error) {
    return wrong(error instanceof Error ? error.message : String(error))
  }
  const { values, positionals } = parsed
  if (values.help === true) {
    io.stdout.write(usage)
    return exit.ok
  }
  const [method, url, ...more] = positionals
  if (method === undefined || url === undefined || more.length > 0)
    return wrong('METHOD and URL are needed, nothing else.')
  const headers: [string, string][] = []
  for (const line of values.header ?? []) {
    const colon = line.indexOf(':')
    if (colon <= 0) return wrong(`${JSON.stringify(line)} is no header field: write 'Name: value'.`)
    headers.push([line.slice(0, colon).trim(), line.slice(colon + 1).trim()])
  }
  const file = values.config ?? (await findConfigFile(io.cwd))
  if (file === undefined) {
    io.stderr.write(`There is no ${configFileNames.join(', ')} in this folder: name one with --config FILE.\n`)
    return exit.fault
  }
  try {
    const { config } = await loadConfig(file, { cwd: io.cwd, env: io.env })
    const question: Question = {
      method,
      url,
      headers,
      ...(values.listener !== undefined && { listener: values.listener }),
    }
    const decision = decide(config, question)
    io.stdout.write(values.json === true ? `${JSON.stringify(decision, null, 2)}\n` : render(decision))
    return decision.error === null ? exit.ok : exit.fault
  } catch (error) {
    if (error instanceof RangeError) return wrong(error.message)
    if (!(error instanceof ConfigError)) throw error
    for (const problem of error.problems) io.stderr.write(`${renderProblem(problem)}\n`)
    return exit.fault
  }
}

function parse(args: string[]) {
  return parseArgs({
    args,
    allowPositionals: true,
    options: {
      config: { type: 'string', short: 'c' },
      header: { type: 'string', short: 'H', multiple: true },
      listener: { type: 'string' },
      json: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  })
}

function render({ request, listener, route, captures, serves, error, losers }: Decision): string {
  const rows: [label: string, text: string][] = [
    [
      'request',
      `${request.method} ${request.host === '' ? '(no host) ' : request.host}${request.path}${request.query}`,
    ],
  ]
  if (request.matchPath !== request.path) rows.push(['matched as', request.matchPath])
  rows.push(['listener', `${listener.name} (${listener.address}${listener.tls ? ', TLS' : ''})`])
  if (route === null) rows.push(['route', 'none'])
  else rows.push(['route', `${route.name} (${route.host || 'any host'}, ${route.path || 'any path'})`])
  for (const [name, value] of Object.entries(captures)) rows.push([`{${name}}`, value])
  if (error !== null) {
    rows.push(['reply', `${error.status} ${error.code}: ${error.message}`])
    if (error.allow.length > 0) rows.push(['allow', error.allow.join(', ')])
  }
  if (serves?.kind === 'redirect') rows.push(['redirect', `${serves.status} to ${serves.location}`])
  if (serves?.kind === 'respond') rows.push(['respond', `${serves.status} ${JSON.stringify(serves.body)}`])
  if (serves?.kind === 'upstream') {
    for (const { name, share, endpoints } of serves.upstreams) {
      rows.push(['upstream', `${name}${percent(share)}`])
      for (const endpoint of endpoints) rows.push(['', `  ${endpoint.url}${percent(endpoint.share)}`])
    }
  }
  for (const [index, { route: name, reason }] of losers.slice(0, shownLosers).entries()) {
    rows.push([index === 0 ? 'not' : '', `${name}: ${reason}`])
  }
  if (losers.length > shownLosers) rows.push(['', `and ${losers.length - shownLosers} more: --json shows all`])
  return rows.map(([label, text]) => `${label.padEnd(10)} ${text}\n`).join('')
}

function percent(share: number): string {
  return share === 1 ? '' : ` (${Math.round(share * 1000) / 10} %)`
}
