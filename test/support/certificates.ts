import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A certificate and its key: as PEM text, and as files for programs. */
export interface TestCertificate {
  cert: string
  key: string
  certFile: string
  keyFile: string
  label: string
}

interface Request {
  /** Common name; where `names` is left out, no alternative names stand beside it. */
  subject: string
  /** As in `DNS:a.test` and `IP:127.0.0.1`. */
  names?: string[]
  /** Who signs it; itself by default. */
  issuer?: TestCertificate
  authority?: boolean
}

let folder = ''
const made = new Map<string, TestCertificate>()

/** Makes a certificate with openssl, once a process for the same request. The files go at exit. */
export function testCertificate(request: Request): TestCertificate {
  const id = JSON.stringify({ ...request, issuer: request.issuer?.certFile })
  const known = made.get(id)
  if (known !== undefined) return known
  if (folder === '') {
    folder = mkdtempSync(join(tmpdir(), 'turnpike-certificates-'))
    process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
  }
  const certFile = join(folder, `${made.size}.pem`)
  const keyFile = join(folder, `${made.size}-key.pem`)
  const { subject, names, issuer, authority } = request
  execFileSync(
    'openssl',
    [
      ...'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30'.split(' '),
      '-subj',
      subject.startsWith('/') ? subject : `/CN=${subject}`,
      '-keyout',
      keyFile,
      '-out',
      certFile,
      '-addext',
      `basicConstraints=critical,CA:${authority === true ? 'TRUE' : 'FALSE'}`,
      ...(names === undefined ? [] : ['-addext', `subjectAltName=${names.join(',')}`]),
      ...(issuer === undefined ? [] : ['-CA', issuer.certFile, '-CAkey', issuer.keyFile]),
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  )
  const certificate = {
    cert: readFileSync(certFile, 'utf8'),
    key: readFileSync(keyFile, 'utf8'),
    certFile,
    keyFile,
    label: certFile,
  }
  made.set(id, certificate)
  return certificate
}
