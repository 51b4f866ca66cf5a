import type { TurnpikeError } from '../core/error.ts'
import type { Headers } from '../core/headers.ts'

/** Whether a request is a gRPC call, whose client reads a `grpc-status` and makes little of an HTTP status. */
export function isGrpc(headers: Headers): boolean {
  return /^application\/grpc(?:[+;-]|$)/i.test(headers.get('content-type') ?? '')
}

/** The gRPC status code that an error of ours is to a gRPC client. */
export function grpcStatus({ status, source }: TurnpikeError): number {
  const known = byHttpStatus[status]
  if (known !== undefined) return known
  return source === 'client' ? INTERNAL : UNKNOWN
}

/** Text as `grpc-message` carries it: what is not printable ASCII, and `%`, as percent-encoded UTF-8. */
export function grpcMessage(text: string): string {
  return text.toWellFormed().replaceAll(/[^ -$&-~]+/g, encodeURIComponent)
}

const UNKNOWN = 2
const INTERNAL = 13

/** As gRPC's own mapping for replies that have no `grpc-status`; where that is coarser than our errors, finer. */
const byHttpStatus: Readonly<Record<number, number>> = {
  400: INTERNAL,
  401: 16, // UNAUTHENTICATED
  403: 7, // PERMISSION_DENIED
  404: 12, // UNIMPLEMENTED
  405: 12,
  408: 4, // DEADLINE_EXCEEDED
  413: 8, // RESOURCE_EXHAUSTED
  429: 8,
  431: 8,
  499: 1, // CANCELLED
  500: INTERNAL,
  501: 12,
  502: 14, // UNAVAILABLE
  503: 14,
  504: 4,
}
