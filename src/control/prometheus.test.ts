import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { describe, test } from 'node:test'
import { controlPort } from '../../test/control/control-fixture.ts'
import { parseExposition } from '../../test/control/parse-exposition.ts'
import { finishedExchange } from '../../test/control/finished-exchange.ts'
import { ledgerKinds } from '../engine/ledger.ts'
import { negotiateFormat, type ExpositionFormat } from './exposition.ts'
import { Metrics } from './metrics.ts'
import { readProcessFacts } from './process-facts.ts'
import { prometheusText } from './prometheus.ts'

const facts = await readProcessFacts(() => Date.now())
const textOf = (format: ExpositionFormat, port = controlPort()): string =>
  [...prometheusText(port, facts, format)].join('')

describe('metrics as text', () => {
  for (const format of ['prometheus', 'openmetrics'] as const) {
    test(`${format}: well-formed, and says what was counted`, () => {
      const families = parseExposition(textOf(format), format === 'openmetrics')
      const family = (name: string) => families.get(format === 'openmetrics' ? name.replace(/_total$/, '') : name)!
      const requests = family('turnpike_requests_total').samples
      assert.deepEqual(
        requests.map(({ labels, value }) => [labels.route, labels.upstream, labels.endpoint, labels.code, value]),
        [
          ['users', 'app', 'http://127.0.0.1:9001', '2xx', 1],
          ['', '', '', '4xx', 1],
          ['a "quoted"\\\nroute', 'app', 'http://127.0.0.1:9001', '5xx', 1],
          ['users', 'app', 'http://127.0.0.1:9002', '2xx', 1],
        ],
      )
      const buckets = family('turnpike_request_duration_seconds').samples.filter(
        ({ name, labels }) => name.endsWith('_bucket') && labels.endpoint === 'http://127.0.0.1:9002',
      )
      assert.deepEqual([buckets.at(-2)!.value, buckets.at(-1)!.value], [0, 1], '70 s is above every bound')
      assert.deepEqual(
        family('turnpike_errors_total').samples.map(({ labels }) => labels),
        [
          { code: 'ERR_NO_ROUTE', source: 'client' },
          { code: 'ERR_CONNECT_REFUSED', source: 'upstream' },
        ],
      )
      const inFlight = family('turnpike_requests_in_flight').samples
      assert.equal(inFlight.find(({ labels }) => labels.route === 'users')!.value, 1)
      assert.deepEqual(
        family('turnpike_ledger').samples.map(({ labels }) => labels.kind),
        [...ledgerKinds],
      )
      assert.equal(family('turnpike_log_dropped_total').samples[0]!.value, 3)
      assert.ok(family('process_resident_memory_bytes').samples[0]!.value > 1e6)
    })
  }

  test('the parser of this test refuses what it should', () => {
    const good = textOf('prometheus')
    const broken = [
      good.slice(0, -1),
      good.replace(/# TYPE turnpike_requests_total.*\n/, ''),
      good.replace('code="2xx"', 'code=2xx'),
      good.replace('# HELP turnpike_ledger ', '# HELP turnpike_requests_total '),
      good.replace(/(turnpike_build_info\{.*\n)/, '$1$1'),
      good.replace('le="+Inf"} 1', 'le="+Inf"} 7'),
      good.replace('turnpike_log_dropped_total 3', 'turnpike_log_dropped_total -3'),
    ]
    for (const text of broken) {
      assert.ok(text !== good)
      assert.throws(() => parseExposition(text, false))
    }
    assert.throws(() => parseExposition(good, true))
  })

  test('promtool takes it', (t) => {
    const found = spawnSync('promtool', ['--version'])
    if (found.error !== undefined && process.env.CI !== 'true') return t.skip('promtool is not installed')
    const checked = spawnSync('promtool', ['check', 'metrics'], { input: textOf('prometheus') })
    assert.equal(checked.status, 0, String(checked.stderr))
  })

  test('many label sets come in pieces', () => {
    const metrics = new Metrics()
    for (let number = 0; number < 1000; number++) metrics.finish(finishedExchange({ route: `route-${number}` }))
    const pieces = [...prometheusText(controlPort({ metrics }), facts, 'prometheus')]
    assert.ok(pieces.length > 20)
    assert.ok(Math.max(...pieces.map((piece) => piece.length)) < 400_000)
    parseExposition(pieces.join(''), false)
  })

  test('the format is what the client would rather have', () => {
    const prometheus3 =
      'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=0.0.4;q=0.4,*/*;q=0.2'
    assert.equal(negotiateFormat(prometheus3), 'openmetrics')
    assert.equal(negotiateFormat('application/openmetrics-text'), 'openmetrics')
    for (const accept of [
      undefined,
      '',
      '*/*',
      'text/plain',
      'application/openmetrics-text;q=0',
      'text/html,text/plain,application/openmetrics-text;q=0.5',
    ]) {
      assert.equal(negotiateFormat(accept), 'prometheus', String(accept))
    }
  })
})
