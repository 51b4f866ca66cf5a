import type { ErrorSource, Phase } from './error.ts'

interface KnownError {
  source: ErrorSource
  phase: Phase
  /** HTTP status that the reply carries; 0 where no reply is possible. */
  status: number
  /** Error type registered for Proxy-Status (RFC 9209 §2.3), or '' for none. */
  proxyStatus: string
  retry: boolean
  text: string
}

const client = (phase: Phase, status: number, proxyStatus: string, text: string): KnownError => ({
  source: 'client',
  phase,
  status,
  proxyStatus,
  retry: false,
  text,
})

const upstream = (phase: Phase, status: number, proxyStatus: string, retry: boolean, text: string): KnownError => ({
  source: 'upstream',
  phase,
  status,
  proxyStatus,
  retry,
  text,
})

const own = (phase: Phase, status: number, proxyStatus: string, retry: boolean, text: string): KnownError => ({
  source: 'turnpike',
  phase,
  status,
  proxyStatus,
  retry,
  text,
})

/** Every code that Turnpike can answer, log or count. Documented in docs/reference/errors.md; a test compares both. */
export const errorCodes = {
  ERR_REQUEST_LINE: client('head', 400, 'http_request_error', 'The request line is malformed.'),
  ERR_HTTP_VERSION: client('head', 505, 'http_request_error', 'The HTTP version is not supported.'),
  ERR_HEADER_SYNTAX: client('head', 400, 'http_request_error', 'A header field is malformed.'),
  ERR_HOST: client('head', 400, 'http_request_error', 'The Host header is missing, repeated or invalid.'),
  ERR_FRAMING: client('head', 400, 'http_request_error', 'The message framing is ambiguous.'),
  ERR_TRANSFER_CODING: client('head', 501, 'http_request_error', 'The transfer coding is not supported.'),
  ERR_HEAD_TOO_LARGE: client('head', 431, 'http_request_error', 'The request head is too large.'),
  ERR_TARGET_TOO_LONG: client('head', 414, 'http_request_error', 'The request target is too long.'),
  ERR_HEAD_TIMEOUT: client('head', 408, 'http_request_error', 'The request head did not arrive in time (timer: head).'),
  ERR_PATH: client('route', 400, 'http_request_error', 'The request path cannot be normalised safely.'),
  ERR_CONNECT_NOT_ALLOWED: client('route', 405, 'http_request_denied', 'CONNECT is not served on this listener.'),
  ERR_MISDIRECTED: client('route', 421, 'http_request_denied', 'This connection does not serve that host.'),
  ERR_LOOP: client('route', 508, 'proxy_loop_detected', 'The request has been here before.'),
  ERR_NO_ROUTE: client('route', 404, 'destination_not_found', 'No route matches the request.'),
  ERR_METHOD_NOT_ALLOWED: client('route', 405, 'http_request_denied', 'The method is not allowed here.'),
  ERR_RATE_LIMITED: client('middleware', 429, 'http_request_denied', 'There were too many requests.'),
  ERR_IP_DENIED: client('middleware', 403, 'http_request_denied', 'The client address is not allowed here.'),
  ERR_AUTH_REQUIRED: client('middleware', 401, 'http_request_denied', 'A valid user name and password are needed.'),
  ERR_BODY_TOO_LARGE: client('body', 413, 'http_request_error', 'The request body is too large.'),
  ERR_CHUNK: client('body', 400, 'http_request_error', 'The chunked request body is malformed.'),
  ERR_TRAILER: client('body', 400, 'http_request_error', 'The request trailers are malformed or too large.'),
  ERR_BODY_TIMEOUT: client(
    'body',
    408,
    'http_request_error',
    'The request body came too slowly (timer: bodyProgress).',
  ),
  ERR_CLIENT_ABORT: client('body', 499, '', 'The client went away.'),
  ERR_CLIENT_STALL: client('body', 0, '', 'The client stopped reading the reply (timer: stall).'),
  ERR_HTTP2_FLOOD: client(
    'body',
    0,
    '',
    'The client floods the connection with resets, pings, settings or tiny frames.',
  ),
  ERR_PROXY_PROTOCOL: client('accept', 0, '', 'The PROXY protocol header is malformed or missing.'),
  ERR_TLS_CLIENT: client('tls', 0, '', 'The TLS handshake with the client failed.'),

  ERR_NO_ENDPOINT: upstream('dial', 503, 'destination_unavailable', false, 'No endpoint of the upstream is usable.'),
  ERR_DNS: upstream('resolve', 502, 'dns_error', true, 'The name of the endpoint could not be resolved.'),
  ERR_DNS_TIMEOUT: upstream(
    'resolve',
    504,
    'dns_timeout',
    true,
    'Resolving the endpoint took too long (timer: connect).',
  ),
  ERR_CONNECT_REFUSED: upstream('dial', 502, 'connection_refused', true, 'The endpoint refused the connection.'),
  ERR_CONNECT_TIMEOUT: upstream('dial', 504, 'connection_timeout', true, 'Connecting took too long (timer: connect).'),
  ERR_CONNECT_FAILED: upstream('dial', 502, 'destination_ip_unroutable', true, 'The endpoint could not be reached.'),
  ERR_TLS_UPSTREAM: upstream('tls', 502, 'tls_protocol_error', true, 'The TLS handshake with the endpoint failed.'),
  ERR_TLS_CERTIFICATE: upstream(
    'tls',
    502,
    'tls_certificate_error',
    true,
    'The certificate of the endpoint is not valid.',
  ),
  ERR_TLS_TIMEOUT: upstream('tls', 504, 'connection_timeout', true, 'The TLS handshake took too long (timer: tls).'),
  ERR_UPSTREAM_HTTP2: upstream('dial', 502, 'http_protocol_error', true, 'The endpoint does not speak HTTP/2.'),
  ERR_UPSTREAM_CLOSED: upstream(
    'first-byte',
    502,
    'connection_terminated',
    false,
    'The endpoint closed without a reply.',
  ),
  ERR_UPSTREAM_HEAD: upstream('first-byte', 502, 'http_protocol_error', false, 'The reply head is malformed.'),
  ERR_UPSTREAM_HEAD_SIZE: upstream(
    'first-byte',
    502,
    'http_response_header_section_size',
    false,
    'The reply head is too large.',
  ),
  ERR_UPSTREAM_FRAMING: upstream('first-byte', 502, 'http_protocol_error', false, 'The reply framing is ambiguous.'),
  ERR_UPSTREAM_UPGRADE: upstream('first-byte', 502, 'http_upgrade_failed', false, 'The endpoint upgraded unasked.'),
  ERR_FIRST_BYTE_TIMEOUT: upstream(
    'first-byte',
    504,
    'http_response_timeout',
    false,
    'No reply in time (timer: firstByte).',
  ),
  ERR_TRY_TIMEOUT: upstream(
    'first-byte',
    504,
    'http_response_timeout',
    false,
    'No reply to one try in time (timer: try).',
  ),
  ERR_STALL_TIMEOUT: upstream(
    'body',
    504,
    'connection_read_timeout',
    false,
    'No byte moved for too long (timer: stall).',
  ),
  ERR_UPSTREAM_CHUNK: upstream('body', 502, 'http_protocol_error', false, 'The chunked reply body is malformed.'),
  ERR_UPSTREAM_TRUNCATED: upstream('body', 502, 'http_response_incomplete', false, 'The reply body was cut short.'),
  ERR_UPSTREAM_ABORT: upstream('body', 502, 'connection_terminated', false, 'The endpoint reset the connection.'),

  ERR_TOTAL_TIMEOUT: own(
    'body',
    504,
    'http_response_timeout',
    false,
    'The whole exchange took too long (timer: total).',
  ),
  ERR_CIRCUIT_OPEN: own('dial', 503, 'destination_unavailable', true, 'The circuit of every endpoint is open.'),
  ERR_QUEUE_FULL: own('dial', 503, 'connection_limit_reached', true, 'Too many requests wait for the upstream.'),
  ERR_QUEUE_TIMEOUT: own(
    'dial',
    503,
    'connection_limit_reached',
    true,
    'The upstream had no room in time (timer: queue).',
  ),
  ERR_POOL_EXHAUSTED: own('dial', 503, 'connection_limit_reached', true, 'All connections to the endpoint are busy.'),
  ERR_DESCRIPTORS: own('dial', 503, 'proxy_internal_error', true, 'The process is out of file descriptors.'),
  ERR_CONNECTION_LIMIT: own('accept', 503, 'connection_limit_reached', true, 'The listener has too many connections.'),
  ERR_DRAINING: own('idle', 503, 'proxy_internal_response', true, 'Turnpike is shutting down.'),
  ERR_AUTH_BUSY: own('middleware', 503, 'proxy_internal_response', true, 'Too many passwords are being checked.'),
  ERR_ROUTE_GONE: own(
    'route',
    503,
    'proxy_internal_response',
    true,
    'A reload took the route away, and the drain time is over.',
  ),
  ERR_MIDDLEWARE: own('middleware', 500, 'proxy_internal_error', false, 'A middleware failed.'),
  ERR_INTERNAL: own('middleware', 500, 'proxy_internal_error', false, 'An internal error.'),
  ERR_LISTEN: own('start', 0, '', false, 'An address could not be bound.'),
  ERR_LOG_FILE: own('start', 0, '', false, 'A log could not be opened.'),
  ERR_CONFIG_FILE: own('config', 0, '', false, 'The config file could not be read.'),
  ERR_CONFIG_EMPTY: own('config', 0, '', false, 'The config is empty.'),
  ERR_CONFIG_SYNTAX: own('config', 0, '', false, 'The config is not well-formed.'),
  ERR_CONFIG_INVALID: own('config', 0, '', false, 'A config value is not valid.'),
  ERR_CONFIG_UNKNOWN_KEY: own('config', 0, '', false, 'A config key is not known.'),
  ERR_CONFIG_NOT_AVAILABLE: own('config', 0, '', false, 'A config key is not available in this version.'),
  ERR_CONFIG_REFERENCE: own('config', 0, '', false, 'A config value names something that does not exist.'),
  ERR_CONFIG_REGEX: own('config', 0, '', false, 'A regular expression is not valid.'),
  ERR_CONFIG_ENV: own('config', 0, '', false, 'An environment variable is not set.'),
  ERR_CONFIG_MODULE: own('config', 0, '', false, 'A middleware module could not be loaded.'),
  ERR_CONFIG_LINT: own('config', 0, '', false, 'A config works, but not as it looks.'),
  ERR_CONFIG_SECRET: own('config', 0, '', false, 'A secret file could not be read.'),
  ERR_MODULE_PATH: client('route', 404, 'destination_not_found', 'This is no module path, version or file of one.'),
  ERR_MODULE_DENIED: client('route', 403, 'http_request_denied', 'The module is denied here.'),
  ERR_MODULE_COOLDOWN: client('route', 403, 'http_request_denied', 'The version is too young to be served here.'),
  ERR_MODULE_NOT_KEPT: client(
    'route',
    404,
    'destination_not_found',
    'It is not kept here, and nothing may be fetched.',
  ),
  ERR_MODULE_TOO_LARGE: upstream(
    'body',
    403,
    'http_response_body_size',
    false,
    'The module is larger than the limits allow.',
  ),
  ERR_MODULE_INVALID: client('body', 422, 'http_request_error', 'What was sent is no valid version of the module.'),
  ERR_MODULE_CONFLICT: client('body', 409, 'http_request_error', 'The version is there already, with other contents.'),
  ERR_MODULE_NOT_FOUND: upstream(
    'body',
    404,
    'destination_not_found',
    false,
    'The module, or this version of it, does not exist.',
  ),
  ERR_MODULE_UPSTREAM: upstream('body', 502, 'http_protocol_error', true, 'No member of the chain could say.'),
  ERR_MODULE_VCS: upstream('body', 502, 'http_protocol_error', true, 'The repository could not be read.'),
  ERR_MODULE_ZIP: upstream('body', 502, 'http_protocol_error', false, 'The zip that came is not that of a module.'),
  ERR_MODULE_CHECKSUM: upstream(
    'body',
    502,
    'http_protocol_error',
    false,
    'The contents are not those that the checksum database has.',
  ),
  ERR_SUMDB_UNAVAILABLE: upstream(
    'body',
    502,
    'destination_unavailable',
    true,
    'The checksum database could not be asked.',
  ),
  ERR_SUMDB_INVALID: upstream('body', 502, 'http_protocol_error', false, 'The checksum database contradicts itself.'),
  ERR_ADDRESS_FORBIDDEN: upstream(
    'dial',
    403,
    'destination_ip_prohibited',
    false,
    'The address must not be connected to from here.',
  ),
  ERR_MODULE_STORE: own('body', 503, 'proxy_internal_error', true, 'The module store failed.'),
} as const satisfies Record<string, KnownError>

/** A stable cause code. */
export type ErrorCode = keyof typeof errorCodes
