import assert from 'node:assert/strict'
import { suite, test, type TestContext } from 'node:test'
import { SumdbServer, type SummedVersion } from '../../../../test/support/goproxy/sumdb-server.ts'
import { testScope } from '../../../../test/support/goproxy/test-scope.ts'
import { TurnpikeError } from '../../../core/error.ts'
import type { ErrorCode } from '../../../core/error-codes.ts'
import { generateSignerKey } from '../../../gomod/sumdb/note-key.ts'
import { goproxySchema } from '../config.ts'
import type { DocumentStore } from '../store/document-store.ts'
import { MemoryDocuments } from '../store/memory-documents.ts'
import { ChecksumDatabases } from './checksum-databases.ts'
import { SumdbMirror } from './sumdb-mirror.ts'

const zip = 'h1:zipzipzipzipzipzipzipzipzipzipzipzipzipzipz='
const mod = 'h1:modmodmodmodmodmodmodmodmodmodmodmodmodmodm='
const version: SummedVersion = { module: 'example.com/Big', version: 'v1.2.3', h1: zip, modH1: mod }
const lookupPath = '/lookup/example.com/!big@v1.2.3'
const signal = new AbortController().signal

const hasCode =
  (code: ErrorCode, text = /./) =>
  (error: unknown): boolean => {
    assert.ok(error instanceof TurnpikeError, String(error))
    assert.equal(error.code, code, error.message)
    assert.match(error.message, text)
    return true
  }

const broken = (): Promise<never> => Promise.reject(new TurnpikeError('ERR_MODULE_STORE', { message: 'disk full' }))

interface Plan {
  documents?: DocumentStore
  config?: Record<string, unknown>
}

/** A mirror of a database over real HTTP. */
function mirrorOf(t: TestContext, database: SumdbServer, plan: Plan = {}) {
  const { services, scope } = testScope(t)
  const documents = plan.documents ?? new MemoryDocuments(services.world)
  const config = goproxySchema.parse({
    sumdb: { name: database.name, key: database.verifierKey },
    freshness: { latest: '0s' },
    ...plan.config,
  })
  const notes: string[] = []
  const mirror = new SumdbMirror({
    config: { ...config, sumdb: config.sumdb! },
    services: {
      world: services.world,
      notify: (_level, message, fields) => notes.push(`${message} ${JSON.stringify(fields)}`),
    },
    scope,
    documents,
    isPrivate: (module) => module.startsWith('secret.example.com/'),
    remote: async (path, aborted) => {
      const reply = await fetch(database.url + path, { signal: aborted }).catch((error: unknown) => {
        throw new TurnpikeError('ERR_CONNECT_REFUSED', { cause: error })
      })
      const bytes = Buffer.from(await reply.arrayBuffer())
      if (reply.status === 404) throw new TurnpikeError('ERR_MODULE_NOT_FOUND', { message: bytes.toString() })
      if (reply.status !== 200) throw new TurnpikeError('ERR_MODULE_UPSTREAM', { message: `status ${reply.status}` })
      return bytes
    },
  })
  return { mirror, documents, notes, scope }
}

suite('the mirror of a checksum database', () => {
  test('G25 G26 contents are verified by it, others refused loudly', async (t) => {
    const database = await SumdbServer.start(t)
    await database.addOthers(300)
    await database.add(version)
    const { mirror } = mirrorOf(t, database)
    const { module, version: v } = version
    assert.equal(await mirror.checkZip(module, v, zip, signal), 'verified')
    assert.equal(await mirror.checkMod(module, v, mod, signal), 'verified')
    await assert.rejects(
      mirror.checkZip(module, v, mod, signal),
      hasCode(
        'ERR_MODULE_CHECKSUM',
        /^example\.com\/Big@v1\.2\.3: checksum mismatch\ncame now: h1:mod.*\nsum\.example\.com: h1:zip/,
      ),
    )
    await assert.rejects(mirror.checkMod(module, v, zip, signal), hasCode('ERR_MODULE_CHECKSUM', /v1\.2\.3\/go\.mod: /))
    assert.equal(database.asked.filter((path) => path.startsWith('/lookup')).length, 1, 'one lookup for all four')
  })

  test('G24 private modules are not asked about, and their names stay here', async (t) => {
    const database = await SumdbServer.start(t)
    await database.add(version)
    const { mirror } = mirrorOf(t, database)
    assert.equal(await mirror.checkZip('secret.example.com/a', 'v1.0.0', zip, signal), 'private')
    assert.equal(await mirror.checkMod('secret.example.com/a', 'v1.0.0', mod, signal), 'private')
    await assert.rejects(
      mirror.serve('/lookup/secret.example.com/a@v1.0.0', signal),
      hasCode('ERR_MODULE_NOT_FOUND', /private here/),
    )
    assert.deepEqual(database.asked, [])
    const off = mirrorOf(t, database, {
      config: { sumdb: { name: database.name, key: database.verifierKey, verify: false } },
    })
    assert.equal(await off.mirror.checkZip('example.com/a', 'v1.0.0', zip, signal), 'off')
    assert.deepEqual(database.asked, [])
  })

  test('G25 a lookup that many wait for is one, and one that is left by some goes on for others', async (t) => {
    const database = await SumdbServer.start(t)
    await database.add(version)
    const { mirror } = mirrorOf(t, database)
    const impatient = new AbortController()
    const left = assert.rejects(mirror.serve(lookupPath, impatient.signal), { message: 'bored' })
    const answers = Promise.all(Array.from({ length: 50 }, () => mirror.serve(lookupPath, signal)))
    impatient.abort(new Error('bored'))
    await left
    for (const { bytes } of await answers) assert.match(bytes.toString(), /^0\nexample\.com\/Big v1\.2\.3 h1:zip/)
    assert.equal(database.asked.filter((path) => path === lookupPath).length, 1)
  })

  test('G25 versions that the database does not know are 404, and asked for again when that is old', async (t) => {
    const database = await SumdbServer.start(t)
    await database.addOthers(3)
    const { mirror } = mirrorOf(t, database, {
      config: {
        freshness: { notFound: '0s', latest: '0s' },
        sumdb: { name: database.name, key: database.verifierKey },
      },
    })
    const isMissing = hasCode('ERR_MODULE_NOT_FOUND', /does not know example\.com\/!big@v1\.2\.3/)
    await assert.rejects(mirror.checkZip('example.com/Big', 'v1.2.3', zip, signal), isMissing)
    await database.add(version)
    assert.equal(await mirror.checkZip('example.com/Big', 'v1.2.3', zip, signal), 'verified')

    const remembering = mirrorOf(t, database)
    const asked = database.asked.length
    await assert.rejects(remembering.mirror.serve('/lookup/example.com/none@v1.0.0', signal), { status: 404 })
    await assert.rejects(remembering.mirror.serve('/lookup/example.com/none@v1.0.0', signal), { status: 404 })
    assert.equal(database.asked.length, asked + 1)
  })

  test('G9 an outage is none of a version, and is forgotten when it is over', async (t) => {
    const database = await SumdbServer.start(t)
    await database.add(version)
    const { mirror } = mirrorOf(t, database)
    database.fails = 503
    await assert.rejects(
      mirror.serve(lookupPath, signal),
      hasCode('ERR_SUMDB_UNAVAILABLE', /could not be asked: status 503/),
    )
    await assert.rejects(mirror.checkZip('example.com/Big', 'v1.2.3', zip, signal), { status: 502 })
    await assert.rejects(mirror.serve('/supported', signal), hasCode('ERR_SUMDB_UNAVAILABLE'))
    database.fails = 0
    assert.equal(await mirror.checkZip('example.com/Big', 'v1.2.3', zip, signal), 'verified')
  })

  test('G24 supported is 200 only where lookups and tiles work, or were kept', async (t) => {
    const database = await SumdbServer.start(t)
    await database.addOthers(300)
    await database.add(version)
    const failing = (pattern: RegExp) => {
      database.change = (path, bytes) => (pattern.test(path) ? Buffer.from('no') : bytes)
    }
    for (const pattern of [/^\/lookup/, /^\/tile\/8\/0/, /^\/latest/]) {
      failing(pattern)
      const { mirror } = mirrorOf(t, database)
      await assert.rejects(mirror.serve('/supported', signal), hasCode('ERR_SUMDB_INVALID'), String(pattern))
    }
    failing(/^never/)
    const { mirror, documents } = mirrorOf(t, database)
    assert.equal((await mirror.serve('/supported', signal)).bytes.length, 0)
    assert.match((await mirror.serve(lookupPath, signal)).bytes.toString(), /^300\n/)
    database.fails = 500
    assert.equal((await mirror.serve('/supported', signal)).bytes.length, 0)
    assert.equal((await mirrorOf(t, database, { documents }).mirror.serve('/supported', signal)).bytes.length, 0)
  })

  test('G25 offline, what was looked up is served and verified, and nothing is asked', async (t) => {
    const database = await SumdbServer.start(t)
    await database.addOthers(700)
    await database.add(version)
    const first = mirrorOf(t, database)
    await first.mirror.serve(lookupPath, signal)
    await database.addOthers(400)
    await first.mirror.serve('/lookup/example.com/others@v1.0.900', signal)
    const asked = database.asked.length
    const sumdb = { name: database.name, key: database.verifierKey }
    const { mirror } = mirrorOf(t, database, {
      documents: first.documents,
      config: { offline: true, sumdb, freshness: { latest: '1m' } },
    })
    assert.equal(await mirror.checkZip('example.com/Big', 'v1.2.3', zip, signal), 'verified')
    const record = (await mirror.serve(lookupPath, signal)).bytes.toString()
    assert.match(record, /^700\nexample\.com\/Big v1\.2\.3 h1:zip.*\n.*\n\ngo\.sum database tree\n1101\n/)
    assert.deepEqual(await mirror.serve('/latest', signal), {
      bytes: Buffer.from(record.slice(record.indexOf('go.sum database tree'))),
      type: 'text/plain; charset=UTF-8',
      freshMs: 60_000,
    })
    // What a client of an older head, and of this one, needs to check that record.
    for (const path of [
      '/tile/8/0/002',
      '/tile/8/0/002.p/189',
      '/tile/8/1/000.p/2',
      '/tile/8/1/000.p/4',
      '/tile/8/0/004.p/77',
    ]) {
      const tile = await mirror.serve(path, signal)
      assert.equal(tile.freshMs, Infinity)
      assert.equal(tile.type, 'application/octet-stream')
      assert.deepEqual(tile.bytes, Buffer.from(await (await fetch(database.url + path)).arrayBuffer()), path)
    }
    await assert.rejects(
      mirror.serve('/lookup/example.com/others@v1.0.5', signal),
      hasCode('ERR_SUMDB_UNAVAILABLE', /offline/),
    )
    await assert.rejects(mirror.serve('/tile/8/0/004.p/78', signal), { status: 404 })
    assert.equal(database.asked.length, asked + 5)
  })

  test('G25 a tile of a newer head than is known is looked for once', async (t) => {
    const database = await SumdbServer.start(t)
    await database.addOthers(10)
    await database.add(version)
    const { mirror, documents } = mirrorOf(t, database)
    await mirror.serve(lookupPath, signal)
    await database.addOthers(10)
    assert.equal((await mirror.serve('/tile/8/0/000.p/20', signal)).bytes.length, 20 * 32)
    assert.equal((await mirror.serve('/tile/8/data/000.p/2', signal)).type, 'text/plain; charset=UTF-8')
    const asked = database.asked.length
    await assert.rejects(mirror.serve('/tile/8/0/000.p/30', signal), { status: 404 })
    assert.equal(database.asked.length, asked, 'not so soon again')
    // Another replica hears of a head that this one has written down.
    const replica = mirrorOf(t, database, { documents }).mirror
    await replica.serve(lookupPath, signal)
    await database.addOthers(10)
    await mirror.serve('/lookup/example.com/others@v1.0.25', signal)
    const before = database.asked.length
    assert.equal((await replica.serve('/tile/8/0/000.p/31', signal)).bytes.length, 31 * 32)
    assert.equal(database.asked.length, before)
  })

  test('G26 two histories are refused, told of with proof, and nothing of the second is served', async (t) => {
    const key = generateSignerKey('sum.example.com')
    const database = await SumdbServer.start(t, 'sum.example.com', key)
    const fork = await SumdbServer.start(t, 'sum.example.com', key)
    await database.add(version)
    await fork.add({ ...version, h1: mod })
    await fork.addOthers(5)
    const { documents, mirror } = mirrorOf(t, database)
    await mirror.serve(lookupPath, signal)
    const deceived = mirrorOf(t, fork, { documents })
    await assert.rejects(deceived.mirror.serve('/supported', signal), hasCode('ERR_SUMDB_INVALID', /two histories/))
    await assert.rejects(
      deceived.mirror.checkZip('example.com/others', 'v1.0.2', zip, signal),
      hasCode('ERR_SUMDB_INVALID'),
    )
    assert.equal(deceived.notes.length, 1)
    assert.match(deceived.notes[0]!, /cannot be believed.*older head:.*newer head:.*proof: /)
    assert.equal(await deceived.mirror.checkZip('example.com/Big', 'v1.2.3', zip, signal), 'verified')
  })

  test('G26 answers that are huge, of another key, or no records are refused', async (t) => {
    const database = await SumdbServer.start(t)
    await database.add(version)
    const other = await SumdbServer.start(t)
    await other.add(version)
    for (const change of [
      () => Buffer.alloc(5 * 1024 * 1024, 'a'),
      () => Buffer.from('garbage'),
      () => Buffer.alloc(0),
    ]) {
      database.change = change
      await assert.rejects(mirrorOf(t, database).mirror.serve(lookupPath, signal), hasCode('ERR_SUMDB_INVALID'))
    }
    database.change = (_path, bytes) => bytes
    const wrong = mirrorOf(t, database, { config: { sumdb: { name: other.name, key: other.verifierKey } } })
    await assert.rejects(wrong.mirror.serve(lookupPath, signal), hasCode('ERR_SUMDB_INVALID', /not signed by a key/))
    // The space of another key is another one.
    const right = mirrorOf(t, database, { documents: wrong.documents })
    assert.equal(await right.mirror.checkZip('example.com/Big', 'v1.2.3', zip, signal), 'verified')
  })

  test('G26 a store that fails is told of, and lookups go on', async (t) => {
    const database = await SumdbServer.start(t)
    await database.add(version)
    const documents: DocumentStore = {
      get: broken,
      put: broken,
      remove: broken,
      exclusively: broken,
      // oxlint-disable-next-line require-yield -- it fails before
      async *list() {
        await broken()
      },
    }
    const { mirror, notes } = mirrorOf(t, database, { documents })
    assert.equal(await mirror.checkZip('example.com/Big', 'v1.2.3', zip, signal), 'verified')
    assert.equal((await mirror.serve('/supported', signal)).bytes.length, 0)
    assert.equal(notes.length, 1)
    assert.match(notes[0]!, /disk full/)
  })

  test('G1 G25 paths that are none of a database are 404', async (t) => {
    const database = await SumdbServer.start(t)
    const { mirror } = mirrorOf(t, database)
    for (const path of [
      '',
      '/',
      '/supported/',
      '/lookup/',
      '/lookup/example.com/Big@v1.2.3',
      '/lookup/example.com/!big',
      '/lookup/example.com/!big@main',
      '/lookup/example.com/!big@v1.2',
      '/lookup/../x@v1.0.0',
      '/tile/8/0',
      '/tile/9/0/000',
      '/tile/8/0/000.p/256',
      '/tile/8/0/../000',
    ]) {
      await assert.rejects(mirror.serve(path, signal), hasCode('ERR_MODULE_PATH'), path)
    }
    assert.deepEqual(database.asked, [])
    const databases = new ChecksumDatabases([mirror])
    await assert.rejects(databases.serve('sum.example.org/supported', signal), hasCode('ERR_MODULE_PATH'))
    await assert.rejects(databases.serve('sum.example.com', signal), hasCode('ERR_MODULE_PATH'))
    assert.throws(
      () => new ChecksumDatabases([mirror, mirror]),
      hasCode('ERR_CONFIG_INVALID', /as is that of the database/),
    )
    assert.equal((await databases.serve('sum.example.com/key', signal)).bytes.toString(), `${database.verifierKey}\n`)
  })

  test('a key that is missing, malformed or of another name is said at the start', async (t) => {
    const database = await SumdbServer.start(t)
    const { verifierKey } = database
    for (const [sumdb, text] of [
      [{ name: 'sum.example.org' }, /key of sum\.example\.org is not known/],
      [{ name: 'sum.example.org', key: verifierKey }, /is the key of sum\.example\.com, not of sum\.example\.org/],
      [{ name: database.name, key: verifierKey.slice(0, -4) }, /goproxy\.sumdb\.key: /],
    ] as const) {
      assert.throws(() => mirrorOf(t, database, { config: { sumdb } }), hasCode('ERR_CONFIG_INVALID', text))
    }
    mirrorOf(t, database, { config: { sumdb: {} } })
  })
})
