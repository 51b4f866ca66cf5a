import type { Scope } from '../../../engine/scope.ts'
import { machineAuthorities } from '../../../engine/tls/machine-authorities.ts'
import type { UpstreamSecurity } from '../../../engine/tls/upstream-security.ts'
import { UpstreamTls } from '../../../engine/tls/upstream-tls.ts'
import type { ForwardConfig } from '../config.ts'

type TlsConfig = NonNullable<ForwardConfig['intercept']>['upstreamTls']

/** TLS towards targets: of plain requests with `https://`, and of tunnels that are looked into; made when the first one comes, and once for the same settings. */
export function originTls(config: TlsConfig | undefined, scope: Scope): () => UpstreamSecurity {
  let made: UpstreamSecurity | null = null
  return () => {
    made ??= scope.shared(
      `plain tls ${JSON.stringify(config)} ${config?.ca?.text ?? ''}`,
      () =>
        new UpstreamTls({
          ca: config?.ca?.text ?? machineAuthorities(),
          minVersion: config?.minVersion ?? '1.2',
          ...(config !== undefined && { maxVersion: config.maxVersion, alpn: config.alpn }),
          verify: config?.verify ?? true,
        }),
    )
    return made
  }
}

/** Asks for a host and holds certificates to it, whichever is dialled. */
export function heldTo(host: string, security: UpstreamSecurity): UpstreamSecurity {
  return {
    secure: (socket, _dialled, port, stream, handshake) => security.secure(socket, host, port, stream, handshake),
  }
}
