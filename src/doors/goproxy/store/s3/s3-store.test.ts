import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import { mkdir, readFile, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test, type TestContext } from 'node:test'
import { keep, readAll, sampleVersion, staged, zipBytes } from '../../../../../test/contracts/module-store.ts'
import { openTestStore } from '../../../../../test/support/goproxy/open-test-store.ts'
import { startS3Server, type S3Server } from '../../../../../test/support/goproxy/s3-server.ts'
import { testScope } from '../../../../../test/support/goproxy/test-scope.ts'
import { freePort, portOf } from '../../../../../test/support/peers/free-port.ts'
import { requireProgram } from '../../../../../test/support/peers/require-program.ts'
import { Secret } from '../../../../core/secret.ts'
import type { StoreConfig } from '../../config.ts'

const module = 'example.com/Team/module'
const versionObject = 'versions/example.com/!team/module/@v/'
const MIB = 1024 * 1024

let server: Promise<S3Server> | null = null
after(async () => (await server)?.peer.stop())

interface Place {
  config: { s3: NonNullable<StoreConfig['s3']> }
  file: (key: string) => string
}

async function place(t: TestContext): Promise<Place | null> {
  if (!requireProgram(t, 'versitygw')) return null
  server ??= startS3Server()
  const prefix = `${randomUUID()}/`
  const gateway = await server
  return { config: gateway.store(prefix), file: (key) => gateway.file(prefix + key) }
}

test('objects that were changed in the bucket are refused', async (t) => {
  const at = await place(t)
  if (at === null) return
  const store = await openTestStore(t, at.config)
  const zip = randomBytes(300_000)
  const stored = await keep(store, module, 'v1.0.0+incompatible', zip)
  const [name] = await readdir(at.file('zips/example.com/!team/module/@v/v1.0.0+incompatible'))
  const file = at.file(`zips/example.com/!team/module/@v/v1.0.0+incompatible/${name}`)
  const changed = Buffer.from(zip)
  changed[200_000]! ^= 1
  await writeFile(file, changed)
  const open = await store.openZip(stored)
  await assert.rejects(readAll(open), { code: 'ERR_MODULE_STORE', message: /its zip was changed/ })
  await assert.rejects(
    open.read(Buffer.alloc(10), 299_000),
    /its zip was changed/,
    'nor does another read give the rest',
  )
  await open.close()
  await writeFile(file, zip.subarray(0, 100_000))
  const short = await store.openZip(stored)
  await assert.rejects(readAll(short), { code: 'ERR_MODULE_STORE' })
  await short.close()

  const object = at.file(`${versionObject}v1.0.0+incompatible`)
  const text = await readFile(object, 'utf8')
  const damage: [string, RegExp][] = [
    [text.replace(/"mod": "..../, '"mod": "AAAA'), /its \.mod was changed/],
    [text.replace(/"info": "..../, '"info": "AAAA'), /its \.info was changed/],
    [text.replace('v1.0.0', 'v1.0.1'), /of another/],
    [text.slice(0, -10), /cannot be read/],
  ]
  for (const [bytes, message] of damage) {
    await writeFile(object, bytes)
    await assert.rejects(store.get(module, 'v1.0.0+incompatible'), { code: 'ERR_MODULE_STORE', message })
  }
})

test('a zip that was put anew since it was opened is not mixed with the one before', async (t) => {
  const at = await place(t)
  if (at === null) return
  const store = await openTestStore(t, at.config)
  const stored = await keep(store, module, 'v1.0.0', randomBytes(600_000))
  const open = await store.openZip(stored)
  await open.read(Buffer.alloc(1_000), 0)
  await store.remove(module, 'v1.0.0')
  await assert.rejects(open.read(Buffer.alloc(1_000), 500_000), { code: 'ERR_MODULE_STORE' })
  await open.close()
})

test('lists go on beyond the thousand that a server gives at a time', async (t) => {
  const at = await place(t)
  if (at === null) return
  const store = await openTestStore(t, at.config)
  const folder = at.file('documents/many')
  await mkdir(folder, { recursive: true })
  const names = Array.from({ length: 1_203 }, (_, each) => `many/${String(each).padStart(5, '0')}`)
  for (const name of names) await writeFile(at.file(`documents/${name}!`), '')
  const listed: string[] = []
  for await (const name of store.documents.list('many/')) listed.push(name)
  assert.deepEqual(listed, names)
  const rest: string[] = []
  for await (const name of store.documents.list('many/', 'many/01199')) rest.push(name)
  assert.deepEqual(rest, names.slice(1_200))
})

test('maxSize holds; what was used longest ago by any replica goes, what is pinned stays', async (t) => {
  const at = await place(t)
  if (at === null) return
  const bounded = { s3: { ...at.config.s3, maxSize: 3 * MIB } }
  const first = testScope(t)
  const before = await openTestStore(t, bounded, [], first)
  for (const version of ['v1.0.0', 'v1.1.0', 'v1.2.0']) await keep(before, module, version, randomBytes(MIB / 2))
  await before.pin(module, 'v1.1.0', true)
  for (const version of ['v1.0.0', 'v1.1.0', 'v1.2.0']) {
    const longAgo = new Date(Date.now() - 3_600_000)
    await utimes(at.file(versionObject + version), longAgo, longAgo)
  }
  before.touch(module, 'v1.0.0')
  await first.scope.close()
  const store = await openTestStore(t, bounded)
  assert.deepEqual((await store.usage()).versions, 3)
  for (const version of ['v2.0.0', 'v2.1.0', 'v2.2.0']) {
    await keep(store, module, version, randomBytes(MIB / 2))
    assert.ok((await store.usage()).bytes <= 3 * MIB)
  }
  assert.deepEqual((await store.versions(module)).toSorted(), ['v1.0.0', 'v1.1.0', 'v2.0.0', 'v2.1.0', 'v2.2.0'])
  const large = await staged(store, randomBytes(3 * MIB))
  await assert.rejects(store.put(sampleVersion(module, 'v3.0.0', randomBytes(1)), large), /maxSize/)
  await large.discard()
  assert.equal(await store.get(module, 'v3.0.0'), null)
})

test('a server that is away, refuses or fails is a clear error without secrets', async (t) => {
  const at = await place(t)
  if (at === null) return
  const storeWith = (change: Partial<NonNullable<StoreConfig['s3']>>) =>
    openTestStore(t, { s3: { ...at.config.s3, ...change } })
  await assert.rejects(storeWith({ endpoint: `http://127.0.0.1:${await freePort()}` }), {
    code: 'ERR_MODULE_STORE',
    message: /does not answer/,
  })
  const wrong = {
    code: 'ERR_MODULE_STORE',
    message: /^The module store is refused by its server: 403 SignatureDoesNotMatch\.$/,
  }
  await assert.rejects(storeWith({ secretAccessKey: Secret.of('wrong') }), wrong)
  await assert.rejects(storeWith({ bucket: 'another' }), { code: 'ERR_MODULE_STORE', message: /NoSuchBucket/ })
  const folders = await readdir(tmpdir())
  await assert.rejects(storeWith({ secretAccessKey: Secret.of('wrong') }), wrong)
  assert.deepEqual(
    (await readdir(tmpdir())).filter((name) => name.startsWith('turnpike-staging-') && !folders.includes(name)),
    [],
  )
})

test('what fails for a moment is tried again, the upload of a zip from its beginning', async (t) => {
  const requests: string[] = []
  const bodies: Buffer[] = []
  const flaky = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`)
    const pieces: Buffer[] = []
    request.on('data', (piece: Buffer) => pieces.push(piece))
    request.on('end', () => {
      bodies.push(Buffer.concat(pieces))
      const failing = requests.length % 2 === 1
      const listing = request.url!.includes('?list-type=2')
      const status = failing ? 503 : request.method === 'GET' && !listing ? 404 : 200
      response.writeHead(status, { etag: '"x"' }).end(listing ? '<ListBucketResult></ListBucketResult>' : '')
    })
  }).listen(0, '127.0.0.1')
  await once(flaky, 'listening')
  const { services, scope } = testScope(t)
  t.after(() => flaky.close())
  const s3 = {
    bucket: 'b',
    endpoint: `http://127.0.0.1:${portOf(flaky)}/below/`,
    region: 'r',
    accessKeyId: 'k',
    secretAccessKey: Secret.of('s'),
    prefix: 'p/',
  }
  const store = await openTestStore(t, { s3 }, [], { services, scope })
  const zip = randomBytes(400_000)
  await keep(store, module, 'v1.0.0', zip)
  assert.deepEqual(
    requests.filter((_, index) => index % 2 === 0),
    requests.filter((_, index) => index % 2 === 1),
  )
  const uploads = requests.flatMap((line, index) => (line.startsWith('PUT /below/b/p/zips/') ? [bodies[index]!] : []))
  assert.equal(uploads.length, 2)
  assert.ok(uploads.every((bytes) => bytes.equals(zip)))
  assert.match(requests.at(-1)!, /^PUT \/below\/b\/p\/versions\/example\.com\/%21team\/module\/%40v\/v1\.0\.0$/)
  await scope.close()
})

test('a server without conditional writes serves one replica, and that is said once', async (t) => {
  const objects = new Map<string, Buffer>()
  const plain = createServer((request, response) => {
    const pieces: Buffer[] = []
    request.on('data', (piece: Buffer) => pieces.push(piece))
    request.on('end', () => {
      const { method, url = '', headers } = request
      const there = objects.get(url)
      if (headers['if-none-match'] !== undefined || (method === 'PUT' && headers['if-match'] !== undefined)) {
        response.writeHead(501).end('<Error><Code>NotImplemented</Code></Error>')
      } else if (method === 'PUT') {
        objects.set(url, Buffer.concat(pieces))
        response.writeHead(200, { etag: '"x"' }).end()
      } else if (url.includes('?list-type=2')) response.end('<ListBucketResult></ListBucketResult>')
      else if (method === 'DELETE') response.writeHead(objects.delete(url) ? 204 : 404).end()
      else if (there === undefined) response.writeHead(404).end()
      else response.writeHead(headers.range === undefined ? 200 : 206, { etag: '"x"' }).end(there)
    })
  }).listen(0, '127.0.0.1')
  await once(plain, 'listening')
  t.after(() => plain.close())
  const engine = testScope(t)
  const warnings: string[] = []
  const services = { ...engine.services, notify: (_: string, message: string) => void warnings.push(message) }
  const s3 = {
    bucket: 'b',
    endpoint: `http://127.0.0.1:${portOf(plain)}`,
    region: 'r',
    accessKeyId: 'k',
    secretAccessKey: Secret.of('s'),
    prefix: '',
  }
  const store = await openTestStore(t, { s3 }, [], { ...engine, services })
  const zip = randomBytes(1_000)
  const stored = await keep(store, module, 'v1.0.0', zip)
  await keep(store, module, 'v1.1.0', zip)
  assert.ok((await zipBytes(store, stored)).equals(zip))
  assert.equal(await store.documents.exclusively('one', () => Promise.resolve(1)), 1)
  assert.deepEqual(warnings, ['the S3 server knows no conditional writes: one replica alone may use this bucket'])
  await engine.scope.close()
})

test('a zip of no version goes when it is a day old', async (t) => {
  const at = await place(t)
  if (at === null) return
  const store = await openTestStore(t, at.config)
  const zip = randomBytes(1_000)
  const stored = await keep(store, module, 'v1.0.0', zip)
  const stray = ['zips/example.com/!team/module/@v/v1.1.0/old', 'zips/example.com/!team/module/@v/v1.2.0/young']
  for (const key of stray) {
    await mkdir(join(at.file(key), '..'), { recursive: true })
    await writeFile(at.file(key), 'x')
  }
  const longAgo = new Date(Date.now() - 25 * 3_600_000)
  await utimes(at.file(stray[0]!), longAgo, longAgo)
  assert.equal((await store.usage()).versions, 1)
  await assert.rejects(readFile(at.file(stray[0]!)), { code: 'ENOENT' })
  assert.equal(await readFile(at.file(stray[1]!), 'utf8'), 'x')
  assert.ok((await zipBytes(store, stored)).equals(zip))
  await rm(at.file(stray[1]!))
})
