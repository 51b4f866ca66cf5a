import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import type { HarEntry } from '../../../src/doors/forward/flows/har.ts'

type Shape = { [name: string]: string | Shape | [Shape] }

const pair: Shape = { name: 'string', value: 'string' }

/** What http://www.softwareishard.com/blog/har-12-spec/ requires; a name with a question mark may be absent. */
const log: Shape = {
  version: 'string',
  creator: { name: 'string', version: 'string' },
  entries: [
    {
      startedDateTime: 'date',
      time: 'number',
      request: {
        method: 'string',
        url: 'string',
        httpVersion: 'string',
        cookies: [pair],
        headers: [pair],
        queryString: [pair],
        'postData?': { mimeType: 'string', 'params?': [{ name: 'string', 'value?': 'string' }], 'text?': 'string' },
        headersSize: 'number',
        bodySize: 'number',
      },
      response: {
        status: 'number',
        statusText: 'string',
        httpVersion: 'string',
        cookies: [{ ...pair, 'expires?': 'date', 'httpOnly?': 'boolean', 'secure?': 'boolean' }],
        headers: [pair],
        content: {
          size: 'number',
          mimeType: 'string',
          'compression?': 'number',
          'text?': 'string',
          'encoding?': 'string',
        },
        redirectURL: 'string',
        headersSize: 'number',
        bodySize: 'number',
      },
      cache: {},
      timings: {
        'blocked?': 'number',
        'dns?': 'number',
        'connect?': 'number',
        'ssl?': 'number',
        send: 'duration',
        wait: 'duration',
        receive: 'duration',
      },
      'serverIPAddress?': 'string',
      'connection?': 'string',
    },
  ],
}

/** The entries of a file, which must be HAR 1.2. */
export function readHar(file: string): HarEntry[] {
  const har: { log: { version: string; entries: HarEntry[] } } = JSON.parse(readFileSync(file, 'utf8'))
  check(har.log, log, 'log')
  assert.equal(har.log.version, '1.2')
  for (const { time, timings } of har.log.entries) {
    const sum = Object.values(timings).reduce((all, ms) => all + Math.max(0, ms), 0)
    assert.ok(Math.abs(sum - time) < 0.01, 'time is the sum of the timings')
  }
  return har.log.entries
}

function check(value: unknown, shape: string | Shape | [Shape], at: string): void {
  if (Array.isArray(shape)) {
    assert.ok(Array.isArray(value), `${at} is a list`)
    for (const [index, each] of value.entries()) check(each, shape[0], `${at}[${index}]`)
  } else if (typeof shape === 'object') {
    assert.ok(typeof value === 'object' && value !== null && !Array.isArray(value), `${at} is an object`)
    const fields = new Map<string, unknown>(Object.entries(value))
    for (const [key, each] of Object.entries(shape)) {
      const name = key.replace('?', '')
      if (fields.has(name)) check(fields.get(name), each, `${at}.${name}`)
      else assert.ok(key.endsWith('?'), `${at}.${name} is required`)
      fields.delete(name)
    }
    for (const name of fields.keys())
      assert.match(name, /^_|^comment$|^(?:path|domain|sameSite)$/, `${at}.${name} is no field of HAR`)
  } else if (shape === 'date') {
    assert.match(String(value), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/, at)
  } else if (shape === 'duration') {
    assert.ok(typeof value === 'number' && value >= 0, `${at} is a duration`)
  } else {
    assert.equal(typeof value, shape, at)
  }
}
