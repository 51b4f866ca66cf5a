import { createPrivateKey } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { TurnpikeError } from '../core/error.ts'
import { systemCode } from '../core/system-code.ts'
import { Authority } from './authority.ts'

/** Names of an authority's files in its folder: the one to hand out, and the one that never leaves it. */
export const certificateFile = 'authority.pem'
export const keyFile = 'authority-key.pem'

/**
 * Reads the authority that `turnpike ca init` has put into a folder. Rejects with ERR_AUTHORITY where there is none,
 * where it cannot sign, and where others can read its key (T9).
 */
export async function openAuthority(folder: string): Promise<Authority> {
  const read = async (file: string): Promise<string> => {
    try {
      return await readFile(join(folder, file), 'utf8')
    } catch (cause) {
      const code = systemCode(cause)
      if (code === 'ENOENT')
        throw fault(`There is no authority in ${folder}: \`turnpike ca init ${folder}\` makes one.`, cause)
      throw fault(`${join(folder, file)} cannot be read: ${code === 'EACCES' ? 'permission denied' : code}.`, cause)
    }
  }
  const certificate = await read(certificateFile)
  const keyText = await read(keyFile)
  const { mode } = await stat(join(folder, keyFile))
  // Windows has no such bits: the folder of its user is closed to others.
  if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
    const path = join(folder, keyFile)
    throw fault(`${path} can be read by others: anybody may have the key. \`chmod 600 ${path}\`, or make a new one.`)
  }
  let authority: Authority
  try {
    authority = new Authority(certificate, createPrivateKey(keyText))
  } catch (cause) {
    // What OpenSSL says of a key is no matter for a message.
    const why = cause instanceof RangeError ? cause.message : 'its key cannot be read'
    throw fault(`The authority in ${folder} cannot be used: ${why}.`)
  }
  if (Date.now() < authority.expiresAt) return authority
  throw fault(`The authority in ${folder} ran out on ${new Date(authority.expiresAt).toISOString()}: make another one.`)
}

function fault(message: string, cause?: unknown): TurnpikeError {
  return new TurnpikeError('ERR_AUTHORITY', { message, cause })
}
