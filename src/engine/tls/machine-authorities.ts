import { getCACertificates } from 'node:tls'

let known: string | null = null

/** The authorities that come with Node and those of this machine (a company's own among them), PEM; read once. */
export function machineAuthorities(): string {
  known ??= [...new Set([...getCACertificates('default'), ...getCACertificates('system')])].join('\n')
  return known
}
