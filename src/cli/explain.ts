import { lookup } from 'node:dns/promises'
import type { Config } from '../config/config.ts'
import { loadConfig } from '../config/load.ts'
import { decide, type Decision } from '../decision.ts'
import { wantsAddresses } from '../forward-decision.ts'
import { command, configFile, defaultConfigText, UsageError } from './command.ts'
import { exit } from './io.ts'

const usage = `Usage: turnpike explain [--config FILE] METHOD URL [-H 'NAME: VALUE']...
       turnpike explain [--config FILE] CONNECT HOST:PORT

Says which listener, route and upstream would serve a request, and why the other
routes would not. URL is http://HOST/PATH, https://HOST/PATH, or /PATH alone: a
request without a host, which only routes for every host take. Of a forward proxy
it says which rule decides, by which way, and why the earlier rules do not.

  -c, --config FILE      ${defaultConfigText}
  -H, --header 'N: V'    a header field of the request; may be repeated
      --listener NAME    default: by the port and scheme of URL
      --user NAME        who asks a forward proxy; default: nobody
      --from ADDRESS     where that client is; default: 127.0.0.1
      --sni NAME         the name in its ClientHello; default: not yet read
      --json             prints JSON
  -h, --help             shows this

Exit code: 0 it is served, 1 it is not or the config is at fault, 2 wrong usage.
`

/** Losers shown to people; JSON has all. */
const shownLosers = 12

/** `turnpike explain`: 0 where the request is served, 1 where it is not, 2 for wrong usage. */
export const explain = command(
  {
    usage,
    options: {
      config: { type: 'string', short: 'c' },
      header: { type: 'string', short: 'H', multiple: true },
      listener: { type: 'string' },
      user: { type: 'string' },
      from: { type: 'string' },
      sni: { type: 'string' },
      json: { type: 'boolean' },
    },
  },
  async ({ values, positionals }, io) => {
    const [method, url, ...more] = positionals
    if (method === undefined || url === undefined || more.length > 0) {
      throw new UsageError('METHOD and URL are needed, nothing else.')
    }
    const headers = (values.header ?? []).map(headerField)
    const { config } = await loadConfig(await configFile(values.config, io), { cwd: io.cwd, env: io.env })
    const { listener, user, from, sni } = values
    const given = Object.fromEntries(
      Object.entries({ listener, user, from, sni }).filter(([, value]) => value !== undefined),
    )
    const addresses = await addressesOf(config, url)
    const decision = decided(() => decide(config, { method, url, headers, addresses, ...given }))
    io.stdout.write(values.json === true ? `${JSON.stringify(decision, null, 2)}\n` : render(decision))
    return decision.error === null ? exit.ok : exit.fault
  },
)

/** As this machine resolves the host, where a rule asks for it; none where it does not know it. */
async function addressesOf(config: Config, url: string): Promise<string[]> {
  if (!wantsAddresses(config)) return []
  const [, host = ''] = /^(?:https?:\/\/)?(\[[^\]]*\]|[^:/?]*)/i.exec(url) ?? []
  const found = await lookup(host.replace(/^\[(.*)\]$/, '$1'), { all: true }).catch(() => [])
  return found.map(({ address }) => address)
}

/** A question that cannot be asked is wrong usage. */
function decided(decision: () => Decision): Decision {
  try {
    return decision()
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new UsageError(error.message, { cause: error })
  }
}

function headerField(line: string): [name: string, value: string] {
  const colon = line.indexOf(':')
  if (colon <= 0) throw new UsageError(`${JSON.stringify(line)} is no header field: write 'Name: value'.`)
  return [line.slice(0, colon).trim(), line.slice(colon + 1).trim()]
}

function render({ request, listener, route, rule, middleware, captures, serves, error, losers }: Decision): string {
  const rows: [label: string, text: string][] = [
    [
      'request',
      `${request.method} ${request.host === '' ? '(no host) ' : request.host}${request.path}${request.query}`,
    ],
  ]
  if (request.matchPath !== request.path) rows.push(['matched as', request.matchPath])
  rows.push(['listener', `${listener.name} (${listener.address}${listener.tls ? ', TLS' : ''})`])
  if (rule !== undefined) rows.push(['rule', rule])
  else if (route === null && serves === null) rows.push(['route', 'none'])
  else if (route !== null)
    rows.push(['route', `${route.name} (${route.host || 'any host'}, ${route.path || 'any path'})`])
  if (middleware.length > 0) rows.push(['middleware', middleware.join(', ')])
  for (const [name, value] of Object.entries(captures)) rows.push([`{${name}}`, value])
  if (error !== null) {
    rows.push(['reply', `${error.status} ${error.code}: ${error.message}`])
    if (error.allow.length > 0) rows.push(['allow', error.allow.join(', ')])
  }
  if (serves?.kind === 'redirect') rows.push(['redirect', `${serves.status} to ${serves.location}`])
  if (serves?.kind === 'respond') rows.push(['respond', `${serves.status} ${JSON.stringify(serves.body)}`])
  if (serves?.kind === 'goproxy')
    rows.push(['modules', `the module proxy${serves.mount === '' ? '' : `, below ${serves.mount}`}`])
  if (serves?.kind === 'forward') {
    const { target, parents, intercept, readsHello, open } = serves
    rows.push(['target', `${target}${parents.length === 0 ? ', directly' : ` through ${parents.join(', then ')}`}`])
    if (intercept) rows.push(['tunnel', 'is looked into'])
    if (readsHello) rows.push(['hello', open.length === 0 ? 'is read' : `is read: it may be for ${open.join(' or ')}`])
  }
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
