import assert from 'node:assert/strict'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { test, type TestContext } from 'node:test'
import { TurnpikeError } from '../../src/core/error.ts'
import type { StagedFile } from '../../src/doors/goproxy/store/staged-file.ts'
import { MemoryStore } from '../../src/doors/goproxy/store/memory-store.ts'
import { ModulePatterns } from '../../src/gomod/module-pattern.ts'
import { makeModule, type ModuleFixture } from '../support/goproxy/module-fixtures.ts'
import { startProxyPeer, type ProxyPeer } from '../support/goproxy/proxy-origin.ts'
import { testChain, type TestChain } from '../support/goproxy/test-chain.ts'

const MODULE = 'example.com/Tools/pump'
const VERSION = 'v1.4.2'
const settings = { timeouts: { connect: '1s', firstByte: '250ms', stall: '250ms' } }

type Way = 'info' | 'zip'
type Answer = (response: ServerResponse, file: Buffer, request: IncomingMessage) => void

interface Row {
  does: string
  answer: Answer
  /** Status of the error where that is the end of it; 200: it counts as an answer; 404: the next is asked whatever stands between. */
  counts: 200 | 404 | 502 | 504
  /** Where it makes a difference for one of them alone. */
  only?: Way
  outcome: string
}

const status = (code: number, counts: Row['counts']): Row => ({
  does: String(code),
  answer: (response) => response.writeHead(code, { 'Content-Type': 'text/plain' }).end('says why'),
  counts,
  outcome: String(code),
})

const redirect = (code: number): Row => ({
  does: `${code} to where it is`,
  answer: (response, file, request) =>
    request.url!.endsWith('?here') ? response.end(file) : response.writeHead(code, { Location: '?here' }).end('moved'),
  counts: 200,
  outcome: '200',
})

const rows: Row[] = [
  { does: '200', answer: (response, file) => response.end(file), counts: 200, outcome: '200' },
  status(204, 502),
  status(206, 502),
  ...[301, 302, 303, 307, 308].map(redirect),
  {
    does: 'redirects in a circle',
    answer: (response) => response.writeHead(302, { Location: '?again' }).end(),
    counts: 502,
    outcome: 'ERR_MODULE_UPSTREAM',
  },
  {
    does: 'redirects to another scheme',
    answer: (response) => response.writeHead(302, { Location: 'file:///etc/passwd' }).end(),
    counts: 502,
    outcome: 'ERR_MODULE_UPSTREAM',
  },
  {
    does: 'redirects nowhere',
    answer: (response) => response.writeHead(302).end(),
    counts: 502,
    outcome: '302',
  },
  status(404, 404),
  status(410, 404),
  ...[400, 401, 403, 407, 429, 451, 500, 502, 503, 504].map((code) => status(code, 502)),
  {
    does: 'resets',
    answer: (response) => response.socket!.resetAndDestroy(),
    counts: 502,
    outcome: 'ERR_UPSTREAM_CLOSED',
  },
  { does: 'hangs', answer: () => {}, counts: 504, outcome: 'ERR_FIRST_BYTE_TIMEOUT' },
  {
    does: 'stops in the middle',
    answer: (response, file) => response.writeHead(200, { 'Content-Length': file.length }).write(file.subarray(0, 20)),
    counts: 504,
    outcome: 'ERR_STALL_TIMEOUT',
  },
  {
    does: 'sends less than announced',
    answer: (response, file) =>
      response
        .writeHead(200, { 'Content-Length': file.length })
        .write(file.subarray(0, 20), () => response.socket!.end()),
    counts: 502,
    outcome: 'ERR_UPSTREAM_TRUNCATED',
  },
  {
    does: 'resets in the middle of chunks',
    answer: (response, file) => response.write(file.subarray(0, 20), () => response.socket!.destroy()),
    counts: 502,
    outcome: 'ERR_UPSTREAM_TRUNCATED',
  },
  {
    does: 'compresses unasked',
    answer: (response, file) => response.writeHead(200, { 'Content-Encoding': 'gzip' }).end(file),
    counts: 502,
    outcome: 'ERR_MODULE_UPSTREAM',
  },
  {
    does: 'sends a page',
    answer: (response) => response.writeHead(200, { 'Content-Type': 'text/html' }).end('<h1>Log in</h1>'),
    counts: 502,
    only: 'info',
    outcome: 'ERR_MODULE_UPSTREAM',
  },
  {
    does: 'sends another version',
    answer: (response) => response.end('{"Version":"v1.4.3"}'),
    counts: 502,
    only: 'info',
    outcome: 'ERR_MODULE_UPSTREAM',
  },
]

async function staged({ services, scope }: TestChain): Promise<StagedFile> {
  const store = new MemoryStore({ maxSize: 1 << 28 }, { services, scope, pinned: new ModulePatterns([]) })
  const file = await store.create()
  scope.signal.addEventListener('abort', () => void file.discard())
  return file
}

async function fetched(way: Way, made: TestChain, trail: string[]): Promise<Buffer> {
  const ask = made.ask()
  try {
    if (way === 'info') return (await made.chain.info(MODULE, VERSION, ask)).bytes
    const file = await staged(made)
    await made.chain.zip(MODULE, VERSION, file, ask)
    file.release()
    const bytes = Buffer.alloc(file.size)
    await file.peek(bytes, 0)
    return bytes
  } finally {
    trail.push(...ask.trail.decisions.map(({ outcome }) => outcome))
  }
}

async function peers(
  t: TestContext,
  fixture: ModuleFixture,
  way: Way,
  answer: Answer,
): Promise<[ProxyPeer, ProxyPeer]> {
  const script = (request: IncomingMessage, response: ServerResponse): boolean => {
    answer(response, fixture[way], request)
    return true
  }
  return [await startProxyPeer(t, { script }), await startProxyPeer(t, { modules: [fixture] })]
}

for (const way of ['info', 'zip'] as const) {
  for (const separator of [',', '|'] as const) {
    test(`G3 G4 ${way}: what a member does, and who is asked behind \`${separator}\``, async (t) => {
      const fixture = await makeModule(MODULE, VERSION)
      for (const { does, answer, counts, only = way, outcome } of rows) {
        if (only !== way) continue
        await t.test(does, async (inner) => {
          const [first, second] = await peers(inner, fixture, way, answer)
          const made = testChain(inner, {
            chain: `${first.url}${separator}${second.url}`,
            upstreams: { [first.url]: settings },
          })
          const trail: string[] = []
          const outcomes = await fetched(way, made, trail).then(
            (bytes) => bytes,
            (error: unknown) => error,
          )
          const goesOn = counts === 404 || (counts !== 200 && separator === '|')
          assert.equal(second.asked.length, goesOn ? 1 : 0)
          assert.deepEqual(trail, goesOn ? [outcome, '200'] : [outcome])
          if (counts === 200 || goesOn) {
            assert.ok(Buffer.isBuffer(outcomes), String(outcomes))
            assert.ok(outcomes.equals(fixture[way]))
            return
          }
          assert.ok(outcomes instanceof TurnpikeError, 'it should have failed')
          assert.equal(outcomes.code, 'ERR_MODULE_UPSTREAM')
          assert.equal(outcomes.status, counts)
          assert.match(outcomes.message, new RegExp(first.url))
        })
      }
    })
  }
}

test('G3 ten redirects are followed, and not one more', async (t) => {
  const fixture = await makeModule(MODULE, VERSION)
  for (const [redirects, code] of [
    [10, '200'],
    [11, 'ERR_MODULE_UPSTREAM'],
  ] as const) {
    const left = { redirects }
    const [first] = await peers(t, fixture, 'info', (response, file) => {
      if (left.redirects-- > 0) response.writeHead(302, { Location: '?again' }).end()
      else response.end(file)
    })
    const trail: string[] = []
    await fetched('info', testChain(t, { chain: first.url }), trail).catch(() => {})
    assert.deepEqual(trail, [code])
    assert.equal(first.asked.length, 11)
  }
})

test('G4 a zip that breaks off goes on from the next member where that has the same bytes, else it fails', async (t) => {
  const fixture = await makeModule(MODULE, VERSION, { files: { 'data.bin': Buffer.from('0123456789'.repeat(9_000)) } })
  const other = { ...fixture, zip: Buffer.from(fixture.zip) }
  other.zip[10]! ^= 1
  const shorter = { ...fixture, zip: fixture.zip.subarray(0, 12) }
  for (const [modules, right] of [
    [[fixture], true],
    [[other], false],
    [[shorter], false],
  ] as const) {
    const [first] = await peers(t, fixture, 'zip', (response, file) =>
      response.write(file.subarray(0, 300), () => response.socket!.destroy()),
    )
    const second = await startProxyPeer(t, { modules })
    const made = testChain(t, { chain: `${first.url}|${second.url}` })
    const result = await fetched('zip', made, []).catch((error: unknown) => error)
    if (right) assert.ok(Buffer.isBuffer(result) && result.equals(fixture.zip))
    else assert.ok(result instanceof TurnpikeError && result.code === 'ERR_MODULE_UPSTREAM', String(result))
  }
})
