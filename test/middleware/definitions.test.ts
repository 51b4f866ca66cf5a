import assert from 'node:assert/strict'
import { test } from 'node:test'
import { middlewareSchemas } from '../../src/config/middleware-schemas.ts'
import { middlewareDefinitions } from '../../src/middlewares.ts'

test('every kind in the config has its code, which takes the options that the config checked', () => {
  assert.deepEqual(Object.keys(middlewareDefinitions).toSorted(), Object.keys(middlewareSchemas).toSorted())
  for (const [kind, schema] of Object.entries(middlewareSchemas)) {
    const definition = Object.entries(middlewareDefinitions).find(([key]) => key === kind)![1]
    assert.equal(definition.name, kind)
    assert.equal(definition.options, schema)
  }
})
