import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KeptPools } from './kept-pools.ts'

class Named {
  readonly name: string
  private readonly closed: string[]

  constructor(name: string, closed: string[]) {
    this.name = name
    this.closed = closed
  }

  close(): void {
    this.closed.push(this.name)
  }
}

test('of more pools than there is room for, the one used longest ago is closed', () => {
  const closed: string[] = []
  const pools = new KeptPools<Named>(3)
  for (const name of ['a', 'b', 'c']) pools.add(name, new Named(name, closed))
  assert.equal(pools.find('a')?.name, 'a')
  assert.equal(pools.find('a')?.name, 'a')
  assert.equal(pools.find('x'), undefined)
  pools.add('d', new Named('d', closed))
  assert.deepEqual(closed, ['b'])
  assert.equal(pools.find('b'), undefined)
  pools.add('e', new Named('e', closed))
  assert.deepEqual(closed, ['b', 'c'])
  pools[Symbol.dispose]()
  assert.deepEqual(closed, ['b', 'c', 'a', 'd', 'e'])
  assert.equal(pools.find('e'), undefined)
})
