import { TurnpikeError } from '../../../core/error.ts'

/** A repository that git can fetch from. */
export interface GitRemote {
  url: string
  /** Plain HTTP is tried, and certificates are not checked. */
  insecure: boolean
}

/** Whoever named the repository: the config, which may name a folder of this machine, or somebody else. */
export type RemoteSource = 'config' | 'discovery'

const secure = ['https:', 'ssh:']
/** What a shell, ssh or git's own options could take for something else is in none of them. */
const HOST = /^(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])$/i
const USER = /^[\w.][\w.+-]*$/

/**
 * Checks where a repository is said to be. Throws ERR_MODULE_VCS where git must not be sent there: programs as remotes
 * (`ext::`), folders that discovery names, unencrypted remotes unless they are allowed, options in disguise.
 */
export function checkRemote(text: string, insecure: boolean, source: RemoteSource): GitRemote {
  if (text.startsWith('-')) refuse('it begins with "-"')
  // Nothing that a shell splits or a terminal obeys; `::` is how git names a program that is to be run.
  if (!/^[\x21-\x7e]+$/.test(text)) refuse('it has blanks or characters outside ASCII')
  if (/^[^/]*::/.test(text)) refuse('it names a program')
  if (!URL.canParse(text) || !text.includes('://')) refuse('it is not a URL')
  const url = new URL(text)
  if (url.protocol === 'file:') {
    if (source !== 'config') refuse('folders are taken from the config alone')
    if (url.host !== '') refuse('a file URL has no host: write file:///PATH')
    return { url: text, insecure: false }
  }
  if (url.protocol === 'http:' && !insecure) refuse('http is not encrypted, and the module is not among `insecure`')
  if (!secure.includes(url.protocol) && url.protocol !== 'http:') {
    refuse(`${url.protocol.slice(0, -1)} is none of https, ssh${source === 'config' ? ', file' : ''}`)
  }
  if (!HOST.test(url.hostname)) refuse('that is no host')
  if (url.password !== '') refuse('it has a password in it: write that under `credentials`')
  if (url.username !== '' && !USER.test(url.username)) refuse('that is no user name')
  if (/^\/+(?:-|%2d)/i.test(url.pathname)) refuse('its path begins with "-"')
  if (url.hash !== '' || url.search !== '') refuse('it has a query or a fragment')
  return { url: text, insecure }
}

function refuse(why: string): never {
  throw new TurnpikeError('ERR_MODULE_VCS', { retry: false, message: `The repository URL is refused: ${why}.` })
}
