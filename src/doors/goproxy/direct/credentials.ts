import type { FileText } from '../../../core/file-text.ts'
import type { GoproxyConfig } from '../config.ts'
import { readNetrc, type NetrcLogin } from './netrc.ts'

/** A user name and a password or token, for HTTPS. */
export interface Login {
  username: string
  password: string
}

/** What ssh logs in with. Null: what it has by itself. */
export interface SshLogin {
  key: FileText | null
  knownHosts: FileText | null
}

/** Who is known where: the config's credentials first, then those of the netrc file. */
export class Credentials {
  private readonly configured: GoproxyConfig['credentials']
  private readonly logins: readonly NetrcLogin[]

  constructor({ credentials, netrc }: Pick<GoproxyConfig, 'credentials' | 'netrc'>) {
    this.configured = credentials
    this.logins = netrc === undefined ? [] : readNetrc(netrc.text)
  }

  /** For HTTPS alone: over plain HTTP nothing is sent (G2). */
  login(url: URL): Login | null {
    if (url.protocol !== 'https:') return null
    const known = this.configured.find((each) => each.host === url.host && each.password !== undefined)
    if (known?.password !== undefined) {
      return { username: known.username ?? 'oauth2', password: known.password.reveal() }
    }
    const entry = this.logins.find(({ host }) => host === url.hostname)
    return entry === undefined ? null : { username: entry.login, password: entry.password }
  }

  ssh(url: URL): SshLogin {
    const host = url.port === '22' ? url.hostname : url.host
    const known = this.configured.find((each) => each.host === host && each.sshKey !== undefined)
    return { key: known?.sshKey ?? null, knownHosts: known?.knownHosts ?? null }
  }
}
