import { hash } from 'node:crypto'
import { CidrSet } from '../../core/address.ts'
import { UpstreamTls } from '../tls/upstream-tls.ts'
import { machineAuthorities } from '../tls/machine-authorities.ts'
import type { ParentConfig } from './config.ts'
import type { Parent, ParentRoute } from './parent.ts'

interface Known {
  parent: Parent
  /** Of everything that makes its connections what they are. */
  key: string
  excepts: (host: string) => boolean
}

/** The parents of one config, by name. */
export class Parents {
  private readonly known: ReadonlyMap<string, Known>

  constructor(configs: Readonly<Record<string, ParentConfig>>) {
    this.known = new Map(Object.entries(configs).map(([name, config]) => [name, knownParent(name, config)]))
  }

  /** The way through parents, the nearest one first; null for none of them. Throws a RangeError for a name that is not there. */
  route(names: readonly string[] | undefined): ParentRoute | null {
    if (names === undefined || names.length === 0) return null
    const way = names.map((name) => {
      const known = this.known.get(name)
      if (known === undefined) throw new RangeError(`there is no parent ${JSON.stringify(name)}`)
      return known
    })
    return {
      key: way.map(({ key }) => key).join(' '),
      to: (host) => way.filter(({ excepts }) => !excepts(host)).map(({ parent }) => parent),
    }
  }
}

function knownParent(name: string, { url, username, password, tls, except }: ParentConfig): Known {
  const { kind, secure, host, port } = url
  const credentials = username === undefined ? null : { username, password: password?.reveal() ?? '' }
  const { ca, cert, key, minVersion, verify } = tls
  const security = !secure
    ? null
    : new UpstreamTls({
        ca: ca?.text ?? machineAuthorities(),
        minVersion,
        verify,
        ...(cert && key && { cert: cert.text, key: key.text }),
      })
  const settings = [url, credentials, secure && [ca?.text, cert?.text, key?.text, minVersion, verify], except]
  return {
    parent: { name, kind, host, port, tls: security, credentials },
    key: hash('sha256', JSON.stringify(settings)),
    excepts: exceptions(except),
  }
}

/** As NO_PROXY has it, but that a bare name is that name alone. */
function exceptions(except: readonly string[]): (host: string) => boolean {
  const ranges = new CidrSet(except.filter((each) => each.includes('/')))
  const names = new Set(except.filter((each) => !/^[*.]|\//.test(each)))
  const domains = except.filter((each) => /^[*.]/.test(each)).map((each) => each.replace(/^\*/, ''))
  return (host) => {
    const name = host.toLowerCase().replace(/\.$/, '')
    return names.has(name) || domains.some((domain) => name.endsWith(domain)) || ranges.has(name)
  }
}
