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
/** Read by all parsers of URLs alike, and in no part like an option of a shell's, of ssh's or of git's. */
const SHAPE =
  /^[a-z+]+:\/\/(?:[\w.][\w.+-]*@)?(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::\d{1,5})?(?:\/[^\\?#]*)?$/i

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
  if (url.password !== '') refuse('it has a password in it: write that under `credentials`')
  if (!SHAPE.test(text)) refuse('it is more than a user, a host, a port and a path')
  if (/^\/+(?:-|%2d)/i.test(url.pathname)) refuse('its path begins with "-"')
  return { url: text, insecure }
}

function refuse(why: string): never {
  throw new TurnpikeError('ERR_MODULE_VCS', { retry: false, message: `The repository URL is refused: ${why}.` })
}
