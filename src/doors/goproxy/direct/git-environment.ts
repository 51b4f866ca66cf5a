import type { Credentials } from './credentials.ts'
import type { DialPass } from './dial-pass.ts'
import type { GitHome } from './git-home.ts'
import { shellWord } from './git-home.ts'
import type { GitRemote } from './git-remote.ts'

type Environment = Record<string, string>

/** What stays of Turnpike's own environment: programs, authorities of TLS, the agent that has ssh's keys. */
const kept = ['PATH', 'TMPDIR', 'GIT_EXEC_PATH', 'GIT_SSL_CAINFO', 'GIT_SSL_CAPATH', 'SSH_AUTH_SOCK'] as const

const CONNECT_SECONDS = 20

/** For a run that stays on this machine. `clone` is the bare repository it works in. */
export function localEnvironment(home: GitHome, clone: string): Environment {
  const environment: Environment = {
    GIT_DIR: clone,
    HOME: home.folder,
    GIT_CONFIG_GLOBAL: home.settingsFile,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_ATTR_NOSYSTEM: '1',
    GIT_ALLOW_PROTOCOL: 'none',
    GIT_PROTOCOL_FROM_USER: '0',
    // Nobody is asked: not on a terminal, not by a window. Empty is unlike absent, which would let SSH_ASKPASS in.
    GIT_TERMINAL_PROMPT: '0',
    GIT_ASKPASS: '',
    SSH_ASKPASS_REQUIRE: 'never',
    GCM_INTERACTIVE: 'never',
    GIT_LFS_SKIP_SMUDGE: '1',
    GIT_NO_LAZY_FETCH: '1',
    // Folders are named as they are, whatever characters they have.
    GIT_LITERAL_PATHSPECS: '1',
    LC_ALL: 'C',
  }
  for (const name of kept) {
    const value = process.env[name]
    if (value !== undefined) environment[name] = value
  }
  return environment
}

/** For a run that fetches: its protocols, its way out, and its login, which stands in no argument. */
export async function remoteEnvironment(
  home: GitHome,
  clone: string,
  remote: GitRemote,
  credentials: Credentials,
  way: { pass: DialPass; port: number },
): Promise<Environment> {
  const { pass, port } = way
  const url = new URL(remote.url)
  const config: [key: string, value: string][] = [
    ['http.proxy', `socks5h://${pass.user}:${pass.password}@127.0.0.1:${port}`],
  ]
  const environment = localEnvironment(home, clone)
  environment.GIT_ALLOW_PROTOCOL = allowedProtocols(url, remote.insecure)
  if (remote.insecure) config.push(['http.sslVerify', 'false'])
  const login = credentials.login(url)
  if (login !== null) {
    // Only where the host is this very one: a redirect elsewhere does not get it.
    config.push([`credential.${url.origin}.helper`, helper])
    environment.TURNPIKE_GIT_USERNAME = login.username
    environment.TURNPIKE_GIT_PASSWORD = login.password
  }
  if (url.protocol === 'ssh:') {
    environment.GIT_SSH_VARIANT = 'ssh'
    environment.GIT_SSH_COMMAND = await sshCommand(home, url, credentials)
    environment.TURNPIKE_DIAL_PORT = String(port)
    environment.TURNPIKE_DIAL_USER = pass.user
    environment.TURNPIKE_DIAL_PASSWORD = pass.password
  }
  environment.GIT_CONFIG_COUNT = String(config.length)
  for (const [at, [key, value]] of config.entries()) {
    environment[`GIT_CONFIG_KEY_${at}`] = key
    environment[`GIT_CONFIG_VALUE_${at}`] = value
  }
  return environment
}

const helper = `!f() { test "$1" = get && printf 'username=%s\\npassword=%s\\n' "$TURNPIKE_GIT_USERNAME" "$TURNPIKE_GIT_PASSWORD"; }; f`

/** A remote does not lead over to another kind of transport, but from http to https. */
function allowedProtocols(url: URL, insecure: boolean): string {
  if (url.protocol === 'file:') return 'file'
  if (url.protocol === 'ssh:') return 'ssh'
  return insecure ? 'https:http' : 'https'
}

/** ssh without the user's own settings; its known hosts and keys are used where the config names none. */
async function sshCommand(home: GitHome, url: URL, credentials: Credentials): Promise<string> {
  const { key, knownHosts } = credentials.ssh(url)
  const options = [
    'BatchMode=yes',
    'StrictHostKeyChecking=yes',
    `ConnectTimeout=${CONNECT_SECONDS}`,
    'ServerAliveInterval=15',
    'ServerAliveCountMax=4',
    'ForwardAgent=no',
    `ProxyCommand=${shellWord(home.tunnel)} %h %p`,
  ]
  if (knownHosts !== null) {
    options.push(`UserKnownHostsFile="${await home.copyOf(knownHosts)}"`, 'GlobalKnownHostsFile=/dev/null')
  }
  if (key !== null) options.push(`IdentityFile="${await home.copyOf(key)}"`, 'IdentitiesOnly=yes')
  return ['ssh', '-F', '/dev/null', ...options.flatMap((option) => ['-o', shellWord(option)])].join(' ')
}
