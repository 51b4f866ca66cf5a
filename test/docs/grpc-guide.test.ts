import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import test from 'node:test'
import { status } from '@grpc/grpc-js'
import { parse } from 'yaml'
import { upstreamSchema } from '../../src/upstream/config.ts'
import { configSchema } from '../../src/config/schema.ts'
import { TurnpikeError } from '../../src/core/error.ts'
import { grpcStatus } from '../../src/engine/grpc-status.ts'

const text = readFileSync(new URL('../../docs/guide/grpc.md', import.meta.url), 'utf8')

test('the configs of guide/grpc.md are valid', () => {
  const [whole, upstreams] = [...text.matchAll(/^```yaml\n(.*?)^```/gms)].map(([, block]) => parse(block!))
  assert.equal(configSchema.parse(whole).gateway?.upstreams.greeter?.http2, true)
  assert.equal(upstreamSchema.parse(upstreams.upstreams.events).timeouts.firstByte, 3_600_000)
})

test('the example is valid', () => {
  const example = readFileSync(new URL('../../examples/grpc/turnpike.yaml', import.meta.url), 'utf8')
  assert.deepEqual(Object.keys(configSchema.parse(parse(example)).gateway?.upstreams ?? {}), ['greeter', 'events'])
})

test('the statuses of guide/grpc.md are those that errors become', () => {
  const rows = [...text.matchAll(/^\| ([^|]*\d{3}[^|]*) \| (\d+) `([A-Z_]+)` \|$/gm)]
  assert.ok(rows.length >= 7)
  for (const [, errors, code, name] of rows) {
    assert.equal(status[Number(code)], name)
    for (const [http] of errors!.matchAll(/\d{3}/g)) {
      assert.equal(grpcStatus(new TurnpikeError('ERR_INTERNAL', { status: Number(http) })), Number(code), http)
    }
  }
})
