import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TurnpikeError } from '../../src/core/error.ts'
import { startProxyPeer, type ProxyPeer, type ProxyScript } from '../support/goproxy/proxy-origin.ts'
import { testChain } from '../support/goproxy/test-chain.ts'
import { testCertificate } from '../support/certificates.ts'
import { requireProgram } from '../support/peers/require-program.ts'

const NAME = 'sum.example.test/all'

/** Answers what the database has, below `prefix`; `supported` is the status of that question. */
const database =
  (prefix: string, supported = 200): ProxyScript =>
  ({ url = '' }, response) => {
    if (!url.startsWith(prefix)) return false
    if (url.endsWith('/supported')) response.writeHead(supported).end()
    else if (url.includes('/gone')) response.writeHead(404, { 'Content-Type': 'text/plain' }).end('not found: gone')
    else response.end(`record of ${url}`)
    return true
  }

async function read(
  t: Parameters<typeof testChain>[0],
  chain: string,
  path: string,
  url: string | null = null,
): Promise<string> {
  const made = testChain(t, { chain, sumdb: { name: NAME, ...(url === null ? {} : { url }) } })
  return made.chain
    .sumdb(path, AbortSignal.timeout(5_000))
    .then(String, (error: unknown) =>
      error instanceof TurnpikeError ? `${error.code} ${error.status} ${error.message}` : String(error),
    )
}

test('G24 the database is asked through the first member that mirrors it; other codes stop behind `,` and go on behind `|`', async (t) => {
  const mirror = await startProxyPeer(t, { script: database(`/sumdb/${NAME}`) })
  const without = await startProxyPeer(t)
  const broken = await startProxyPeer(t, { script: database('/sumdb/', 500) })
  const own = `record of /sumdb/${NAME}/lookup/example.com/!tools@v1.0.0`
  const path = '/lookup/example.com/!tools@v1.0.0'
  assert.equal(await read(t, mirror.url, path), own)
  assert.equal(await read(t, `${without.url},${mirror.url}`, path), own)
  assert.equal(await read(t, `${broken.url}|${mirror.url}`, path), own)
  assert.match(await read(t, `${broken.url},${mirror.url}`, path), /^ERR_SUMDB_UNAVAILABLE 502 .*answered 500/)
  assert.match(
    await read(t, `${mirror.url},direct`, '/lookup/gone@v1.0.0'),
    /^ERR_MODULE_NOT_FOUND 404 not found: gone$/,
  )
})

test('G24 where no member mirrors it, the database itself is asked; where the config says where it is, only that', async (t) => {
  const mirror = await startProxyPeer(t, { script: database(`/sumdb/${NAME}`) })
  const itself = await startProxyPeer(t, { script: database('/base') })
  assert.equal(await read(t, mirror.url, '/latest', `${itself.url}/base`), 'record of /base/latest')
  assert.deepEqual(mirror.asked, [])
  if (!requireProgram(t, 'openssl')) return
  const certificate = testCertificate({ subject: 'sum.test', names: ['IP:127.0.0.1'] })
  const secured = await startProxyPeer(t, { script: database('/'), certificate })
  const without: ProxyPeer = await startProxyPeer(t)
  for (const chain of ['direct', `${without.url},direct`, without.url]) {
    const made = testChain(t, { chain, sumdb: { name: `127.0.0.1:${secured.port}` } })
    // Its certificate is its own authority's, which the machine does not know: that is how it shows that it was asked.
    await assert.rejects(made.chain.sumdb('/latest', AbortSignal.timeout(5_000)), /certificate/i)
  }
})

test('G24 who was found is asked without asking again, until it fails', async (t) => {
  let broken = false
  const first = await startProxyPeer(t, {
    script: (request, response) => {
      if (!broken) return database('/sumdb')(request, response)
      response.writeHead(500).end()
      return true
    },
  })
  const second = await startProxyPeer(t, { script: database('/sumdb') })
  const made = testChain(t, { chain: `${first.url}|${second.url}`, sumdb: { name: NAME } })
  const get = (): Promise<string> => made.chain.sumdb('/latest', AbortSignal.timeout(5_000)).then(String)
  await Promise.all(Array.from({ length: 20 }, get))
  await get()
  assert.equal(first.times('/supported'), 1)
  broken = true
  await assert.rejects(get(), /answered 500/)
  assert.match(await get(), /record of/)
  assert.equal(second.times('/latest'), 1)
})

test('no checksum database is asked where there is none', async (t) => {
  const made = testChain(t, { chain: 'direct', sumdb: 'off' })
  await assert.rejects(made.chain.sumdb('/latest', AbortSignal.timeout(1_000)), /No checksum database/)
})
