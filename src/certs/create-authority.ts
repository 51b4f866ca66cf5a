import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { mkdir, open, readdir, rename, rm, rmdir } from 'node:fs/promises'
import { hostname } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { TurnpikeError } from '../core/error.ts'
import { systemCode } from '../core/system-code.ts'
import { NameScope } from './name-scope.ts'
import { certificateFile, keyFile } from './open-authority.ts'
import { pem } from './pem.ts'
import { commonName, extension, keyIdentifier, signCertificate } from './x509.ts'

/** What an authority may be asked to be; all of it has a default. */
export interface AuthorityOptions {
  /** Domains and address ranges that it can sign for alone, and those below them. Default: any name. */
  only?: readonly string[]
  /** Default: `Turnpike local authority (HOST, DATE)`. */
  name?: string
}

const DAY_MS = 86_400_000
const YEARS = 10

/**
 * Makes an authority of this machine's own: its key is made here, is readable by its owner alone, and goes nowhere
 * (T9). The folder must not be there, or be empty. Rejects with ERR_AUTHORITY with nothing left behind, and with a
 * RangeError for a name in `only` that is none.
 */
export async function createAuthority(folder: string, options: AuthorityOptions = {}): Promise<void> {
  const files = authorityFiles(options, Date.now())
  const made = join(dirname(folder), `.${basename(folder)}.${randomBytes(6).toString('hex')}`)
  try {
    await mkdir(dirname(folder), { recursive: true })
    await mkdir(made, { mode: 0o700 })
    for (const [name, text] of files) await writeOwn(join(made, name), text)
    // The whole of it at once: another process sees all, or nothing.
    await removeIfEmpty(folder)
    await rename(made, folder)
  } catch (cause) {
    await rm(made, { recursive: true, force: true })
    const code = systemCode(cause)
    const why = reasons[code] ?? code
    throw new TurnpikeError('ERR_AUTHORITY', { message: `No authority can be made in ${folder}: ${why}.`, cause })
  }
}

function authorityFiles({ only = [], name }: AuthorityOptions, nowMs: number): [name: string, text: string | Buffer][] {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const spki = publicKey.export({ type: 'spki', format: 'der' })
  const date = new Date(nowMs).toISOString().slice(0, 10)
  // RFC 5280 appendix A.1: 64 characters at most.
  const subject = commonName((name ?? `Turnpike local authority (${hostname().slice(0, 26)}, ${date})`).slice(0, 64))
  const seconds = nowMs - (nowMs % 1_000)
  const certificate = signCertificate(
    {
      issuer: subject,
      subject,
      notBefore: seconds - DAY_MS,
      notAfter: seconds + YEARS * 365 * DAY_MS,
      publicKey: spki,
      extensions: [
        // No authority below it.
        extension.basicConstraints(0),
        extension.signsCertificates(),
        extension.subjectKeyIdentifier(keyIdentifier(spki)),
        ...(only.length === 0 ? [] : [extension.nameConstraints(NameScope.of(only).encoded())]),
      ],
    },
    privateKey,
  )
  return [
    [keyFile, privateKey.export({ type: 'pkcs8', format: 'pem' })],
    [certificateFile, pem('CERTIFICATE', certificate)],
    ['.gitignore', '# The key of this folder can speak for every site to those who trust it.\n*\n'],
  ]
}

/** Readable by its owner alone, whatever the umask; never in place of what is there. */
async function writeOwn(path: string, text: string | Buffer): Promise<void> {
  await using file = await open(path, 'wx', 0o600)
  await file.chmod(0o600)
  await file.writeFile(text)
  await file.sync()
}

async function removeIfEmpty(folder: string): Promise<void> {
  try {
    if ((await readdir(folder)).length > 0) throw Object.assign(new Error('not empty'), { code: 'ENOTEMPTY' })
    await rmdir(folder)
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error
  }
}

const reasons: Record<string, string> = {
  ENOTEMPTY: 'the folder is not empty, and nothing is overwritten',
  EEXIST: 'the folder is not empty, and nothing is overwritten',
  ENOTDIR: 'a file stands in its way',
  EACCES: 'permission denied',
  EROFS: 'the file system is read-only',
}
