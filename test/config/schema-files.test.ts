import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { z } from 'zod'
import { configSchema } from '../../src/config/schema.ts'
import { schemaFiles } from '../../src/config/write-schema.ts'

for (const [path, text] of schemaFiles()) {
  test(`${path} is what the schema generates`, () => {
    const committed = readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')
    assert.ok(committed === text, `${path} is out of date: npm run schema`)
  })
}

test('every key says what it means', () => {
  const silent: string[] = []
  const look = (node: unknown, path: string) => {
    if (typeof node !== 'object' || node === null) return
    if ('properties' in node && typeof node.properties === 'object' && node.properties !== null) {
      for (const [name, property] of Object.entries(node.properties)) {
        if (!('description' in property)) silent.push(`${path}.${name}`)
      }
    }
    for (const [key, value] of Object.entries(node)) look(value, `${path}.${key}`)
  }
  look(z.toJSONSchema(configSchema, { io: 'input' }), '')
  assert.deepEqual(silent, [])
})
