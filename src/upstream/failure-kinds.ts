import type { ErrorCode } from '../core/error-codes.ts'

/** How a try can fail, as `retryOn` and passive health name it, with the cause codes of each. */
export const failureKinds = {
  connectFailure: [
    'ERR_DNS',
    'ERR_DNS_TIMEOUT',
    'ERR_CONNECT_REFUSED',
    'ERR_CONNECT_TIMEOUT',
    'ERR_CONNECT_FAILED',
    'ERR_TLS_UPSTREAM',
    'ERR_TLS_CERTIFICATE',
    'ERR_TLS_TIMEOUT',
    'ERR_UPSTREAM_HTTP2',
  ],
  timeout: ['ERR_FIRST_BYTE_TIMEOUT', 'ERR_STALL_TIMEOUT', 'ERR_TRY_TIMEOUT'],
  reset: [
    'ERR_UPSTREAM_CLOSED',
    'ERR_UPSTREAM_ABORT',
    'ERR_UPSTREAM_TRUNCATED',
    'ERR_UPSTREAM_HEAD',
    'ERR_UPSTREAM_HEAD_SIZE',
    'ERR_UPSTREAM_FRAMING',
    'ERR_UPSTREAM_CHUNK',
  ],
} as const satisfies Record<string, readonly ErrorCode[]>
