import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { finishedExchange } from '../../test/control/finished-exchange.ts'
import { TurnpikeError } from '../core/error.ts'
import { bucketBounds, Histogram } from './histogram.ts'
import { Metrics } from './metrics.ts'

describe('metrics', () => {
  test('count an exchange by route, upstream, endpoint and class of status', () => {
    const metrics = new Metrics()
    for (const status of [200, 204, 301, 404, 502, 101, 0, 999])
      metrics.finish(finishedExchange({ status, bytesOut: 10, bytesIn: 1 }))
    metrics.finish(finishedExchange({ endpoint: 'http://127.0.0.1:9002', attempts: 3 }))
    const [first, second] = metrics.series
    assert.deepEqual([...first!.requests], [2, 1, 2, 1, 1, 1])
    assert.deepEqual([first!.bytesIn, first!.bytesOut, first!.retries], [8, 80, 0])
    assert.deepEqual([second!.endpoint, second!.retries, second!.duration.count], ['http://127.0.0.1:9002', 2, 1])
    assert.equal(metrics.series.length, 2)
  })

  test('durations count from the first byte of the request; what was not reached is not observed', () => {
    const metrics = new Metrics()
    metrics.finish(finishedExchange({ times: { connected: 1, firstByte: 30, finished: 40 } }))
    metrics.finish(finishedExchange({ times: { connected: 0, firstByte: 0, finished: 2 } }))
    const { duration, firstByte } = metrics.series[0]!
    assert.deepEqual([duration.count, firstByte.count], [2, 1])
    assert.ok(Math.abs(duration.sum - 0.042) < 1e-9)
    assert.ok(Math.abs(firstByte.sum - 0.03) < 1e-9)
  })

  test('in flight goes up with the route and down with the end', () => {
    const metrics = new Metrics()
    const exchanges = [
      finishedExchange({ route: 'a' }),
      finishedExchange({ route: 'a' }),
      finishedExchange({ route: 'b' }),
    ]
    for (const exchange of exchanges) metrics.routed(exchange)
    assert.deepEqual(
      [...metrics.inFlight()],
      [
        ['a', 2],
        ['b', 1],
      ],
    )
    for (const exchange of exchanges) metrics.finish(exchange)
    metrics.finish(finishedExchange({ route: '', upstream: '', endpoint: '' }))
    assert.deepEqual(
      [...metrics.inFlight()],
      [
        ['a', 0],
        ['b', 0],
        ['', 0],
      ],
    )
  })

  test('a tunnel that finds another rule is in flight there alone, and is counted there', () => {
    const metrics = new Metrics()
    const exchange = finishedExchange({ route: 'default' })
    metrics.routed(exchange)
    exchange.route = 'inside'
    metrics.routed(exchange)
    assert.deepEqual(
      [...metrics.inFlight()],
      [
        ['default', 0],
        ['inside', 1],
      ],
    )
    metrics.finish(exchange)
    assert.deepEqual(
      metrics.series.map(({ route }) => route),
      ['inside'],
    )
  })

  test('hosts that clients of a proxy choose are no label', () => {
    const metrics = new Metrics()
    for (let host = 0; host < 100; host++)
      metrics.finish(finishedExchange({ upstream: '', endpoint: `http://h${host}.example:80` }))
    assert.deepEqual(
      metrics.series.map(({ endpoint }) => endpoint),
      [''],
    )
  })

  test('errors by code and who failed; connections by listener', () => {
    const metrics = new Metrics()
    for (const code of ['ERR_NO_ROUTE', 'ERR_NO_ROUTE', 'ERR_CONNECT_REFUSED'] as const) {
      metrics.finish(finishedExchange({ error: new TurnpikeError(code) }))
    }
    assert.deepEqual(
      [...metrics.errorCounts()],
      [
        ['ERR_NO_ROUTE', 'client', 2],
        ['ERR_CONNECT_REFUSED', 'upstream', 1],
      ],
    )
    for (const listener of ['web', 'web', 'secure']) metrics.accepted(listener)
    assert.deepEqual(
      [...metrics.accepts()],
      [
        ['web', 2],
        ['secure', 1],
      ],
    )
  })

  test('W18 what the config has no longer loses its series, a route that is still in flight with its last exchange', () => {
    const metrics = new Metrics()
    const exchanges = ['kept', 'gone', 'busy'].map((route) => finishedExchange({ route }))
    for (const exchange of [...exchanges, finishedExchange({ route: 'kept', endpoint: 'gone' })]) {
      metrics.routed(exchange)
      metrics.finish(exchange)
    }
    const late = finishedExchange({ route: 'busy' })
    metrics.routed(late)
    metrics.accepted('web')
    metrics.accepted('gone')
    metrics.retain({
      route: (name) => name === 'kept',
      endpoint: (_upstream, url) => url !== 'gone',
      listener: (name) => name === 'web',
    })
    const routes = (): string[] => metrics.series.map(({ route }) => route)
    assert.deepEqual(routes(), ['kept', 'busy'])
    assert.deepEqual(
      [...metrics.inFlight()],
      [
        ['kept', 0],
        ['busy', 1],
      ],
    )
    assert.deepEqual([...metrics.accepts()], [['web', 1]])
    metrics.finish(late)
    assert.deepEqual(routes(), ['kept'])
    // Their places are used again.
    for (const route of ['new', 'other new']) metrics.routed(finishedExchange({ route }))
    assert.deepEqual(
      new Map(metrics.inFlight()),
      new Map([
        ['kept', 0],
        ['new', 1],
        ['other new', 1],
      ]),
    )
  })

  test('label sets are bounded: what comes late counts as other, and nothing is lost', () => {
    const metrics = new Metrics(3)
    for (let number = 0; number < 10; number++) {
      for (const exchange of [
        finishedExchange({ route: `r${number}` }),
        finishedExchange({ endpoint: `e${number}` }),
      ]) {
        metrics.routed(exchange)
        metrics.finish(exchange)
      }
    }
    assert.equal(metrics.series.length, 4)
    assert.equal(metrics.series.at(-1)!.route, 'other')
    assert.equal(
      metrics.series.reduce((sum, { duration }) => sum + duration.count, 0),
      20,
    )
    assert.equal(metrics.overflow, 17)
    assert.deepEqual(
      [...metrics.inFlight()].map(([, count]) => count),
      [0, 0, 0, 0],
    )
  })
})

describe('the histogram', () => {
  test('a bound belongs to its own bucket, what is above to the next', () => {
    for (const [index, bound] of bucketBounds.entries()) {
      const histogram = new Histogram()
      histogram.observe(bound)
      histogram.observe(bound * 1.0001)
      assert.deepEqual([histogram.counts[index], histogram.counts[index + 1]], [1, 1], String(bound))
    }
  })

  test('quantiles lie in the right bucket', () => {
    const histogram = new Histogram()
    assert.equal(histogram.quantile(0.5), 0)
    for (let ms = 1; ms <= 1000; ms++) histogram.observe(ms / 1000)
    assert.ok(Math.abs(histogram.quantile(0.5) - 0.5) < 0.01)
    assert.ok(Math.abs(histogram.quantile(0.99) - 0.99) < 0.01)
    histogram.observe(1e6)
    assert.equal(histogram.quantile(1), 60)
    const sum = new Histogram()
    sum.add(histogram)
    sum.add(histogram)
    assert.equal(sum.count, 2002)
  })
})
