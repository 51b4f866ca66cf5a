import { createPrivateKey, X509Certificate } from 'node:crypto'
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
  const certificate = await read(folder, certificateFile)
  const keyText = await read(folder, keyFile)
  const path = join(folder, keyFile)
  const { mode } = await stat(path)
  // Windows has no such bits: the folder of its user is closed to others.
  if (process.platform !== 'win32' && (mode & 0o077) !== 0)
    throw fault(`${path} can be read by others: anybody may have the key. \`chmod 600 ${path}\`, or make a new one.`)
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

/** The certificate alone: what may be handed out. Rejects with ERR_AUTHORITY. */
export async function readCertificate(folder: string): Promise<X509Certificate> {
  const text = await read(folder, certificateFile)
  try {
    return new X509Certificate(text)
  } catch (cause) {
    throw fault(`${join(folder, certificateFile)} is no certificate.`, cause)
  }
}

async function read(folder: string, file: string): Promise<string> {
  try {
    return await readFile(join(folder, file), 'utf8')
  } catch (cause) {
    const code = systemCode(cause)
    if (code === 'ENOENT' || code === 'ENOTDIR')
      throw fault(`There is no authority in ${folder}: \`turnpike ca init ${folder}\` makes one.`, cause)
    throw fault(`${join(folder, file)} cannot be read: ${code === 'EACCES' ? 'permission denied' : code}.`, cause)
  }
}

function fault(message: string, cause?: unknown): TurnpikeError {
  return new TurnpikeError('ERR_AUTHORITY', { message, cause })
}
