import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { AccessLines } from '../../src/control/access-line.ts'
import { adminEndpoints } from '../../src/control/admin/endpoints.ts'
import { bucketBounds } from '../../src/control/histogram.ts'
import { readProcessFacts } from '../../src/control/process-facts.ts'
import { prometheusText } from '../../src/control/prometheus.ts'
import { errorCodes } from '../../src/core/error-codes.ts'
import { TurnpikeError } from '../../src/core/error.ts'
import { RequestIds } from '../../src/engine/request-id.ts'
import { controlPort } from '../control/control-fixture.ts'
import { finishedExchange } from '../control/finished-exchange.ts'
import { parseExposition } from '../control/parse-exposition.ts'
import { referencePage, tableRows } from './markdown-table.ts'

describe('the reference says what the code does', () => {
  test('errors: every code, with its status, source, phase, retry and meaning', () => {
    const documented = tableRows(referencePage('errors.md'), 'code')
    assert.deepEqual(new Set(documented.map(([code]) => code)), new Set(Object.keys(errorCodes)))
    assert.equal(documented.length, Object.keys(errorCodes).length, 'none twice')
    for (const [code, known] of Object.entries(errorCodes)) {
      const [, status, source, phase, retry, meaning, whatToDo] = documented.find(([each]) => each === code)!
      assert.deepEqual(
        { status, source, phase, retry, meaning },
        {
          status: known.status === 0 ? '-' : String(known.status),
          source: known.source,
          phase: known.phase,
          retry: known.retry ? 'yes' : 'no',
          meaning: known.text,
        },
        code,
      )
      assert.ok(whatToDo !== undefined && whatToDo.length > 10, `${code} says what to do`)
    }
  })

  test('access log: every field, in the order of the table', () => {
    const documented = tableRows(referencePage('access-log.md'), 'field')
    const lines = new AccessLines(new RequestIds('abc123'))
    const tls = { version: 'TLSv1.3', sni: 'api.example.com', domain: 'a.test', clientCertificate: '' }
    const line = lines.of(
      finishedExchange({
        tls,
        target: '/a?b',
        peerAddress: '10.0.0.1',
        clientAddress: '203.0.113.7',
        user: 'alice',
        queuedMs: 1.5,
        failedAttempts: [{ endpoint: 'http://127.0.0.1:9002', cause: 'ERR_CONNECT_REFUSED', afterMs: 0.5 }],
        cache: 'miss',
        destination: { kind: 'connect', host: 'a.test', port: 443, address: null, hello: null },
        hello: {
          sni: '',
          alpn: [],
          version: 0x0304,
          outer: true,
          ciphers: [],
          extensions: [],
          signatureAlgorithms: [],
        },
        decisions: [{ by: 'direct', outcome: '200', tookMs: 41.5 }],
        error: new TurnpikeError('ERR_UPSTREAM_TRUNCATED'),
      }),
    )
    assert.deepEqual(
      Object.keys(JSON.parse(line)),
      documented.map(([field]) => field),
    )
    const bare = lines.of(
      finishedExchange({
        route: '',
        upstream: '',
        endpoint: '',
        attempts: 0,
        userAgent: null,
        times: { connected: 0, firstByte: 0 },
      }),
    )
    assert.deepEqual(
      Object.keys(JSON.parse(bare)),
      documented.filter(([, when]) => when === 'always').map(([field]) => field),
    )
  })

  test('access log: the line that is shown is one that is written', () => {
    const shown = /```json\n(.*)\n```/.exec(referencePage('access-log.md'))![1]!
    const line = new AccessLines(new RequestIds('k3v9q2')).of(
      finishedExchange({ sequence: 51, target: '/v1/users/7?x' }),
    )
    assert.equal(shown, line.trimEnd())
  })

  test('metrics: every metric with its type and labels', async () => {
    const documented = tableRows(referencePage('metrics.md'), 'metric')
    const facts = await readProcessFacts(() => Date.now())
    const families = parseExposition([...prometheusText(controlPort(), facts, 'prometheus')].join(''), false)
    const found = [...families].map(([name, { type, samples }]) => {
      const labels = new Set(samples.flatMap((sample) => Object.keys(sample.labels)))
      labels.delete('le')
      return { name, type, labels: [...labels].toSorted() }
    })
    assert.deepEqual(
      found,
      documented.map(([name, type, labels]) => ({
        name,
        type,
        labels: [...labels!.matchAll(/`(\w+)`/g)].map((match) => match[1]!).toSorted(),
      })),
    )
  })

  test('metrics: the bounds of the histograms', () => {
    const sentence = /Histogram bounds are ([^]*?)\.\n/.exec(referencePage('metrics.md'))![1]!
    const [inMs, inSeconds] = sentence.split(' ms, ').map((part) => part.match(/\d+(?:\.\d+)?/g)!.map(Number))
    assert.deepEqual([...inMs!.map((ms) => ms / 1000), ...inSeconds!], [...bucketBounds])
  })

  test('admin: every endpoint, in order, and every error', () => {
    const page = referencePage('admin.md')
    assert.deepEqual(
      tableRows(page, 'path').map(([path]) => path),
      adminEndpoints().map(({ path }) => path),
    )
    // Each of them is provoked in src/control/admin-server.test.ts, or in test/forward/flows-live.test.ts.
    assert.deepEqual(
      tableRows(page, 'status').map(([status]) => status),
      ['401', '403', '404', '404', '405', '409', '421', '500', '503'],
    )
  })
})
