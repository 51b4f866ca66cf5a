import { isLoopback, parseAddress } from '../core/address.ts'
import { renderPath } from './errors.ts'
import type { Finding } from './source.ts'
import { treeOf } from './tree.ts'

/**
 * Listeners on which anybody who can reach them would get private modules: off loopback, with neither `auth` nor
 * client certificates. Takes the tree as typed.
 */
export function findModuleReferences(data: unknown): Finding[] {
  const root = treeOf(data)
  const goproxy = treeOf(root['goproxy'])
  const { auth, private: privates } = goproxy
  if (!Array.isArray(privates) || privates.length === 0) return []
  if (auth !== undefined && auth !== 'off' && auth !== false) return []
  const findings: Finding[] = []
  for (const [name, each] of Object.entries(treeOf(root['listeners']))) {
    const { address, door, tls } = treeOf(each)
    if (door !== 'goproxy' || typeof address !== 'string' || !isElsewhere(address)) continue
    const { clientAuth } = treeOf(tls)
    // `request` lets clients without a certificate in.
    if (clientAuth !== undefined && treeOf(clientAuth)['mode'] !== 'request') continue
    const path = ['listeners', name, 'address']
    const message = `${renderPath(path)}: off loopback, private modules need \`goproxy.auth\` or the listener's \`tls.clientAuth\``
    findings.push({ path, part: 'value', code: 'ERR_CONFIG_INVALID', message })
  }
  return findings
}

function isElsewhere(address: string): boolean {
  try {
    return !isLoopback(parseAddress(address))
  } catch {
    // Told of as no address at all.
    return false
  }
}
