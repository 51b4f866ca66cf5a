import { execFileSync } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

export interface CertificateFiles {
  files: { cert: string; key: string }
  folder: string
}

/** A P-256 certificate for `localhost` and `bench.example`, for all contenders alike. */
export function makeCertificate(): CertificateFiles {
  const folder = mkdtempSync(path.join(tmpdir(), 'turnpike-certificate-'))
  const files = { cert: path.join(folder, 'cert.pem'), key: path.join(folder, 'key.pem') }
  execFileSync(
    'openssl',
    [
      ...'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost -addext'.split(' '),
      'subjectAltName=DNS:localhost,DNS:bench.example,IP:127.0.0.1',
      '-keyout',
      files.key,
      '-out',
      files.cert,
    ],
    { stdio: 'pipe' },
  )
  return { files, folder }
}
