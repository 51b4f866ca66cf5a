import assert from 'node:assert/strict'
import test from 'node:test'
import { errorCodes, type ErrorCode } from '../core/error-codes.ts'
import { TurnpikeError } from '../core/error.ts'
import { Headers } from '../core/headers.ts'
import { grpcMessage, grpcStatus, isGrpc } from './grpc-status.ts'

const ofType = (type: string): boolean => isGrpc(Headers.from([['Content-Type', type]]))
const statusOf = (code: ErrorCode): number => grpcStatus(new TurnpikeError(code))

test('gRPC calls are told by their content type', () => {
  for (const type of [
    'application/grpc',
    'application/grpc+proto',
    'Application/gRPC;charset=x',
    'application/grpc-web',
  ])
    assert.equal(ofType(type), true, type)
  for (const type of ['application/json', 'application/grpcx', 'text/application/grpc', ''])
    assert.equal(ofType(type), false, type)
  assert.equal(isGrpc(new Headers()), false)
})

test('every error is a status that says whether to try again', () => {
  assert.deepEqual(
    [
      statusOf('ERR_CONNECT_REFUSED'),
      statusOf('ERR_NO_ENDPOINT'),
      statusOf('ERR_POOL_EXHAUSTED'),
      statusOf('ERR_UPSTREAM_HTTP2'),
    ],
    [14, 14, 14, 14],
  )
  assert.deepEqual(
    [statusOf('ERR_FIRST_BYTE_TIMEOUT'), statusOf('ERR_CONNECT_TIMEOUT'), statusOf('ERR_BODY_TIMEOUT')],
    [4, 4, 4],
  )
  assert.deepEqual([statusOf('ERR_NO_ROUTE'), statusOf('ERR_INTERNAL'), statusOf('ERR_CLIENT_ABORT')], [12, 13, 1])
  for (const code of Object.keys(errorCodes)) {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- Object.keys forgets its keys
    const status = statusOf(code as ErrorCode)
    assert.ok(status > 0 && status <= 16, code)
  }
})

test('a message survives as a field', () => {
  assert.equal(grpcMessage('ERR_X: 100 % of é (a/b).\n'), 'ERR_X: 100 %25 of %C3%A9 (a/b).%0A')
})
