import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseProxyList } from '../../../gomod/proxy-list.ts'
import { unmeasured } from './member-meter.ts'
import { recommendedChain } from './recommended-chain.ts'

test('G10 the chain as it should be', () => {
  const down = { ok: false, tookMs: 1, said: 'ERR_CONNECT_REFUSED' }
  const cases: [chain: string, better: string | null][] = [
    ['https://a.example,direct', null],
    ['https://a.example|https://b.example,off', null],
    ['direct', null],
    ['https://a.example|direct', 'https://a.example,direct'],
    ['https://a.example,https://b.example', 'https://a.example|https://b.example'],
    ['https://a.example,,direct', null],
    ['https://a.example,direct,https://b.example', 'https://a.example,direct'],
    ['https://a.example|https://a.example/,direct', 'https://a.example,direct'],
    ['https://u:p@a.example|direct', 'https://a.example,direct'],
    ['https://down.example|https://a.example,direct', 'https://a.example|https://down.example,direct'],
    ['https://down.example,direct', null],
  ]
  for (const [chain, better] of cases) {
    const list = parseProxyList(chain)
    const measurements = list.members.map(({ url }) => ({
      ...unmeasured(url),
      tcp: url.includes('down') ? down : null,
    }))
    assert.equal(recommendedChain(list, measurements), better, chain)
  }
})
