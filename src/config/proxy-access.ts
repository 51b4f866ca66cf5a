import { isLoopback, parseAddress } from '../core/address.ts'
import { renderPath, type Path } from './errors.ts'
import type { Finding, Part } from './source.ts'
import { treeOf, type Tree } from './tree.ts'

/**
 * Who may use the listeners of the forward proxy: none is open to everybody, and each can be used as it says. Takes the
 * tree as typed.
 */
export function findProxyAccess(data: unknown): Finding[] {
  const root = treeOf(data)
  const usual = treeOf(root['forward'])['auth']
  const checks = new Checks()
  const listeners = Object.entries(treeOf(root['listeners'])).map(([name, each]) => ({ name, tree: treeOf(each) }))
  for (const { name, tree } of listeners) {
    const path: Path = ['listeners', name]
    if (tree['door'] === 'forward') checks.proxy(path, tree, usual)
    else checks.other(path, tree)
  }
  checks.certificates(
    usual,
    listeners.filter(
      ({ tree: { door, auth, mode = 'proxy' } }) => door === 'forward' && auth === undefined && mode === 'proxy',
    ),
  )
  return checks.findings
}

class Checks {
  readonly findings: Finding[] = []

  report(path: Path, message: string, part: Part = 'value'): void {
    this.findings.push({ path, part, code: 'ERR_CONFIG_INVALID', message: `${renderPath(path)}: ${message}` })
  }

  proxy(path: Path, listener: Tree, usual: unknown): void {
    const { auth = usual, mode = 'proxy', allowFrom, tls, targetPort } = listener
    if (mode !== 'proxy') {
      if (auth !== undefined && !isOff(auth))
        this.report(
          listener['auth'] === undefined ? [...path, 'mode'] : [...path, 'auth'],
          `such clients cannot log in: it needs \`auth: off\`, and off loopback \`allowFrom\``,
        )
      if (tls !== undefined) this.report([...path, 'tls'], `no TLS is ended here in \`mode: ${String(mode)}\``, 'key')
    } else if (treeOf(listener['auth'])['clientCertificates'] !== undefined && !hasCertificates(listener)) {
      this.report(
        [...path, 'auth', 'clientCertificates'],
        'the listener has no `tls.clientAuth`, so nobody can log in by it',
        'key',
      )
    }
    if (targetPort !== undefined && mode !== 'sni')
      this.report([...path, 'targetPort'], 'only `mode: sni` has it', 'key')
    if (!isElsewhere(listener) || (auth !== undefined && !isOff(auth))) return
    if (auth !== undefined && allowFrom !== undefined) return
    const needs = mode === 'proxy' ? '`auth`, or `auth: off` together with `allowFrom`' : '`auth: off` and `allowFrom`'
    this.report([...path, 'address'], `off loopback it would be an open proxy: it needs ${needs}`)
  }

  /** The login of the door, on the listeners that have none of their own. */
  certificates(usual: unknown, listeners: readonly { name: string; tree: Tree }[]): void {
    const { basic, clientCertificates } = treeOf(usual)
    const without = listeners.filter(({ tree }) => !hasCertificates(tree)).map(({ name }) => name)
    const useless = basic === undefined ? without.length > 0 : without.length === listeners.length
    if (clientCertificates === undefined || !useless || listeners.length === 0) return
    this.report(
      ['forward', 'auth', 'clientCertificates'],
      `there is no \`tls.clientAuth\` on ${without.join(', ')}, so nobody can log in by it there`,
      'key',
    )
  }

  other(path: Path, { door, mode = 'proxy', auth, allowFrom, targetPort }: Tree): void {
    if (door !== 'gateway' && door !== 'goproxy') return
    if (mode !== 'proxy' && !(mode === 'sni' && door === 'gateway'))
      this.report([...path, 'mode'], `\`door: ${door}\` does not have it`)
    for (const [key, value] of Object.entries({ auth, allowFrom, targetPort }))
      if (value !== undefined) this.report([...path, key], `only \`door: forward\` has it`, 'key')
  }
}

function hasCertificates({ tls }: Tree): boolean {
  return treeOf(tls)['clientAuth'] !== undefined
}

function isOff(auth: unknown): boolean {
  return auth === 'off' || auth === false
}

/** Whether clients may come from another machine: by the address, or through a balancer that speaks for them. */
function isElsewhere({ address, proxyProtocol }: Tree): boolean {
  if (proxyProtocol !== undefined) return true
  if (typeof address !== 'string') return false
  try {
    return !isLoopback(parseAddress(address))
  } catch {
    // Told of as no address at all.
    return false
  }
}
