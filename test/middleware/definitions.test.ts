import assert from 'node:assert/strict'
import { test } from 'node:test'
import { middlewareSchemas } from '../../src/config/middleware-schemas.ts'
import { middlewareLoaders } from '../../src/middleware-definitions.ts'

test('every kind in the config has its code, which takes the options that the config checked', async () => {
  assert.deepEqual(Object.keys(middlewareLoaders).toSorted(), Object.keys(middlewareSchemas).toSorted())
  for (const [kind, schema] of Object.entries(middlewareSchemas)) {
    const definition = await Object.entries(middlewareLoaders).find(([key]) => key === kind)![1]()
    assert.equal(definition.name, kind)
    assert.equal(definition.options, schema)
  }
})
