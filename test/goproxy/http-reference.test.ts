import assert from 'node:assert/strict'
import { test } from 'node:test'
import { errorCodes } from '../../src/core/error-codes.ts'
import { routeNames } from '../../src/doors/goproxy/request/route-names.ts'
import { referencePage, tableRows } from '../docs/markdown-table.ts'

const page = referencePage('goproxy-http.md')

test('every endpoint is documented, and no other', () => {
  const documented = tableRows(page, 'request').map(([, route]) => route!.replaceAll('`', ''))
  assert.deepEqual(new Set(documented), new Set(Object.values(routeNames)))
})

test('every cause code of modules is documented with its status', () => {
  const documented = tableRows(page, 'status').flatMap(([status, causes]) =>
    [...causes!.matchAll(/ERR_\w+/g)].map(([code]) => [code, Number(status)] as const),
  )
  const statuses = new Map(Object.entries(errorCodes).map(([code, { status }]) => [code, status]))
  for (const [code, status] of documented) assert.equal(statuses.get(code), status, code)
  const known = new Set<string>(documented.map(([code]) => code))
  const ofModules = [...statuses.keys()].filter((code) => /^ERR_(?:MODULE|SUMDB|ADDRESS)_/.test(code))
  for (const code of ofModules) assert.ok(known.has(code), `${code} is not documented`)
})
