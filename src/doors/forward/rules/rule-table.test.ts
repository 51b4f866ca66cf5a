import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { z } from 'zod'
import { Parents } from '../../../engine/dial/parents.ts'
import { parentSchema } from '../../../engine/dial/config.ts'
import { forwardSchema } from '../config.ts'
import { RuleTable } from './rule-table.ts'
import type { Asked } from './verdict.ts'

type Input = z.input<typeof forwardSchema>

const parents = new Parents({
  near: parentSchema.parse({ url: 'http://127.0.0.1:3128' }),
  far: parentSchema.parse({ url: 'socks5://127.0.0.1:1080' }),
})

function table(rules: Input['rules'], more: Partial<Input> = {}): RuleTable {
  return new RuleTable(forwardSchema.parse({ rules, intercept: { authority: '/ca' }, ...more }), parents)
}

function asked(of: Partial<Asked> = {}): Asked {
  return {
    host: 'a.example',
    port: 443,
    addresses: [],
    sni: '',
    user: '',
    clientAddress: '127.0.0.1',
    wallMs: 0,
    ...of,
  }
}

/** Which of some questions the one rule matches. */
function matched<T extends Partial<Asked>>(match: NonNullable<Input['rules']>[number]['match'], questions: T[]): T[] {
  const rules = table([{ match, deny: true }])
  return questions.filter((question) => rules.decide(asked(question)).deny)
}

const hosts = (...names: string[]): Partial<Asked>[] => names.map((host) => ({ host }))

const at = (...times: string[]): Partial<Asked>[] => times.map((time) => ({ wallMs: Date.parse(time) }))

function decide(rules: RuleTable, of: Partial<Asked>): string {
  const { name, intercept, needsHello, deny } = rules.decide(asked(of))
  return [name, needsHello ? 'hello' : intercept ? 'intercept' : deny ? 'deny' : 'pass'].join(' ')
}

function refuses(rules: RuleTable, of: Partial<Asked>): boolean {
  return rules.refusesNames(asked(of), rules.decide(asked(of)))
}

describe('what a rule asks', () => {
  test('hosts: exact ones, what is below a domain, addresses in any writing, everything', () => {
    const all = hosts('a.example', 'b.a.example', 'c.b.a.example', 'xa.example', 'example', '10.0.0.1', '::1')
    assert.deepEqual(matched({ host: 'A.example.' }, all), hosts('a.example'))
    assert.deepEqual(matched({ host: '*.a.example' }, all), hosts('b.a.example', 'c.b.a.example'))
    assert.deepEqual(matched({ host: ['example', '10.0.0.1'] }, all), hosts('example', '10.0.0.1'))
    assert.deepEqual(matched({ host: '0:0::1' }, all), hosts('::1'))
    assert.deepEqual(matched({ host: '::ffff:10.0.0.1' }, all), hosts('10.0.0.1'))
    assert.deepEqual(matched({ host: '*' }, all), all)
    assert.deepEqual(matched({}, all), all)
  })

  test('ports, users, where the client comes from', () => {
    const ports = [80, 443, 8000, 8999, 9000].map((port) => ({ port }))
    assert.deepEqual(matched({ port: [443, '8000-8999'] }, ports), ports.slice(1, 4))
    const users = ['', 'alice', 'bob'].map((user) => ({ user }))
    assert.deepEqual(matched({ user: 'alice' }, users), users.slice(1, 2))
    const clients = ['127.0.0.1', '10.1.2.3', '::ffff:10.1.2.3', '10.2.0.1'].map((clientAddress) => ({ clientAddress }))
    assert.deepEqual(matched({ from: ['10.1.0.0/16'] }, clients), clients.slice(1, 3))
  })

  test('addresses: any one that the host has, or is', () => {
    const questions = [
      { addresses: ['203.0.113.1', '10.1.2.3'] },
      { host: '10.1.2.3' },
      { addresses: [] },
      { addresses: ['203.0.113.1'] },
    ]
    assert.deepEqual(matched({ address: ['10.0.0.0/8'] }, questions), questions.slice(0, 2))
    assert.equal(table([{ match: { address: ['10.0.0.0/8'] }, deny: true }]).wantsAddresses, true)
    assert.equal(table([{ match: { host: 'a.example' }, deny: true }]).wantsAddresses, false)
  })

  test('the time of day: in its zone, on its days, over midnight', () => {
    // 2 March 2026 is a Monday; Berlin is an hour ahead of UTC in winter and two in summer.
    const office = { days: ['mon', 'fri'], from: '08:00', to: '17:30', zone: 'Europe/Berlin' } as const
    assert.deepEqual(
      matched(
        { time: { ...office, days: [...office.days] } },
        at(
          '2026-03-02T06:59:59Z',
          '2026-03-02T07:00:00Z',
          '2026-03-02T16:29:59Z',
          '2026-03-02T16:30:00Z',
          '2026-03-03T10:00:00Z',
          '2026-07-03T06:00:00Z',
          '2026-07-03T05:59:59Z',
        ),
      ),
      at('2026-03-02T07:00:00Z', '2026-03-02T16:29:59Z', '2026-07-03T06:00:00Z'),
    )
    assert.deepEqual(
      matched(
        { time: { days: ['fri'], from: '22:00', to: '06:00', zone: 'UTC' } },
        at(
          '2026-03-06T21:59:00Z',
          '2026-03-06T22:00:00Z',
          '2026-03-07T05:59:00Z',
          '2026-03-07T06:00:00Z',
          '2026-03-07T22:30:00Z',
          '2026-03-06T03:00:00Z',
        ),
      ),
      at('2026-03-06T22:00:00Z', '2026-03-07T05:59:00Z'),
    )
    assert.deepEqual(matched({ time: {} }, at('2026-03-06T00:00:00Z')), at('2026-03-06T00:00:00Z'))
  })

  test('all that is given must hold, and the first rule that matches decides', () => {
    const rules = table([
      { name: 'both', match: { host: 'a.example', port: 80 }, deny: true },
      { match: { host: 'a.example' }, redirectTo: 'B.example:8443' },
      { name: 'late', match: { host: 'a.example' }, deny: true },
    ])
    const names = [80, 443].map((port) => rules.decide(asked({ port })).name)
    assert.deepEqual(names, ['both', 'rule 2'])
    assert.deepEqual(rules.decide(asked()).redirectTo, { host: 'b.example', port: 8443 })
    assert.equal(rules.decide(asked({ host: 'c.example' })).name, 'default')
  })
})

describe('the way of what a rule matches', () => {
  test('is its own, or that of the default; direct beats the default', () => {
    const rules = table(
      [
        { match: { host: 'own.example' }, via: ['far'] },
        { match: { host: 'direct.example' }, direct: true },
        { match: { host: 'off.example' }, via: 'off' },
        { match: { host: 'usual.example' }, splice: true },
      ],
      { default: { via: ['near', 'far'] } },
    )
    const ways = ['own', 'direct', 'off', 'usual', 'other'].map((name) => {
      const host = `${name}.example`
      return (
        rules
          .decide(asked({ host }))
          .via?.to(host)
          .map((each) => each.name) ?? null
      )
    })
    assert.deepEqual(ways, [['far'], null, null, ['near', 'far'], ['near', 'far']])
  })

  test('a default that denies is for what no rule matches', () => {
    const rules = table([{ match: { host: 'a.example' }, splice: true }], { default: { deny: true } })
    assert.deepEqual([rules.decide(asked()).deny, rules.decide(asked({ host: 'b.example' })).deny], [false, true])
  })
})

describe('rules on what is inside a tunnel', () => {
  test('T2 the ClientHello is read where a rule up to the one that decides rests on it, and nowhere else', () => {
    const rules = table([
      { name: 'first', match: { host: 'first.example' }, splice: true },
      { name: 'named', match: { sni: 'named.example', port: 443 }, splice: true },
      { name: 'inside', match: { host: 'inside.example' }, intercept: true },
    ])
    assert.equal(decide(rules, { host: 'first.example', sni: null }), 'first pass')
    assert.equal(decide(rules, { host: 'other.example', sni: null }), 'default hello')
    assert.equal(decide(rules, { host: 'other.example', sni: null, port: 80 }), 'default pass')
    assert.equal(decide(rules, { host: 'inside.example', sni: null, port: 80 }), 'inside hello')
    assert.equal(decide(rules, { host: 'inside.example', sni: 'inside.example' }), 'inside intercept')
    assert.equal(decide(rules, { host: '203.0.113.1', sni: 'named.example' }), 'named pass')
    // T2: without a name it is the host that was asked for.
    assert.equal(decide(rules, { host: 'named.example', sni: '' }), 'named pass')
  })

  test('a tunnel that is denied without a name is opened only where some name lets it pass', () => {
    const byName = { name: 'named', match: { sni: 'named.example' }, splice: true } as const
    const closed = table([byName], { default: { deny: true } })
    // The name of an address is not known; that of another host would be refused (T4).
    assert.equal(decide(closed, { host: '203.0.113.1', sni: null }), 'named hello')
    assert.equal(closed.decide(asked({ host: '203.0.113.1', sni: null })).deny, false)
    assert.equal(closed.decide(asked({ host: 'other.example', sni: null })).deny, true)
    assert.equal(closed.decide(asked({ host: '203.0.113.1', sni: 'other.example' })).deny, true)
    const fronted = table([{ match: { sni: 'named.example', sniMismatch: true }, splice: true }], {
      default: { deny: true },
    })
    assert.equal(fronted.decide(asked({ host: 'other.example', sni: null })).deny, false)
  })

  test('T4 a name that is not the host that was asked for is refused, but by a rule that is there for it', () => {
    const strict = table([{ match: { sni: 'x.example' }, splice: true }])
    assert.equal(refuses(strict, { sni: 'x.example' }), true)
    assert.equal(refuses(strict, { sni: 'a.example' }), false)
    assert.equal(refuses(strict, { sni: '' }), false)
    assert.equal(refuses(strict, { host: '203.0.113.1', sni: 'x.example' }), false)
    const lenient = table([{ match: { sni: 'x.example', sniMismatch: true }, splice: true }])
    assert.equal(refuses(lenient, { sni: 'x.example' }), false)
    assert.equal(refuses(lenient, { sni: 'y.example' }), true)
    const agreed = table([{ name: 'agreed', match: { sniMismatch: false }, splice: true }])
    assert.equal(agreed.decide(asked({ sni: 'a.example' })).name, 'agreed')
    assert.equal(agreed.decide(asked({ sni: 'x.example' })).name, 'default')
  })

  test('T8 what is on the bypass list is never looked into', () => {
    const rules = table([{ name: 'all', match: {}, intercept: true }], {
      intercept: { authority: '/ca', bypass: ['*.bank.example'] },
    })
    assert.equal(decide(rules, { host: 'www.bank.example', sni: null }), 'all pass')
    assert.equal(decide(rules, { host: '203.0.113.1', sni: null }), 'all hello')
    assert.equal(decide(rules, { host: '203.0.113.1', sni: 'www.bank.example' }), 'all pass')
    assert.equal(decide(rules, { host: 'shop.example', sni: 'shop.example' }), 'all intercept')
  })
})

test('an explanation names what decides, why the earlier ones did not, and which could with another ClientHello', () => {
  const rules = table([
    { name: 'port', match: { port: 8443 }, deny: true },
    { name: 'user', match: { host: 'a.example', user: 'alice' }, deny: true },
    { name: 'sni', match: { sni: 'x.example' }, intercept: true },
    { name: 'here', match: { host: 'a.example' }, splice: true },
    { name: 'never', match: { host: 'a.example' }, deny: true },
  ])
  const { verdict, losers, open } = rules.explain(asked({ sni: null }))
  assert.equal(verdict.name, 'here')
  assert.deepEqual(losers, [
    { rule: 'port', reason: 'port: it is 443' },
    { rule: 'user', reason: 'user: nobody has logged in' },
    { rule: 'sni', reason: 'sni: it is a.example' },
  ])
  assert.deepEqual(open, ['sni'])
})
