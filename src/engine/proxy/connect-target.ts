import { canonicalHost } from '../../core/canonical-host.ts'
import { TurnpikeError } from '../../core/error.ts'

/** RFC 9110 §7.1: authority-form, as RFC 9112 §3.2.3 has it; the port is never left out. */
const authorityForm = /^(\[[^\]]*\]|[^:@[\]]+):(\d{1,5})$/

/** Where a CONNECT request wants to go (F1): see `Destination`. Throws ERR_CONNECT_TARGET. */
export function parseConnectTarget(target: string): { host: string; port: number } {
  const [, named = '', digits = ''] = authorityForm.exec(target) ?? []
  const host = named === '' ? null : canonicalHost(named)
  const port = Number(digits)
  if (host === null || host === '' || port < 1 || port > 65_535) {
    throw new TurnpikeError('ERR_CONNECT_TARGET', {
      message: `${JSON.stringify(target)} is no host with a port, as CONNECT needs it.`,
    })
  }
  return { host, port }
}
