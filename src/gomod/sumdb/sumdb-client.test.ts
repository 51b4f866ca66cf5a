import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { generateSignerKey, readSignerKey, type Signer } from './note-key.ts'
import { formatRecord, parseDataTile, recordHashes } from './sum-record.ts'
import { SumdbClient } from './sumdb-client.ts'
import { SumdbError } from './sumdb-error.ts'
import { SumdbLog } from './sumdb-log.ts'
import type { SumdbPorts } from './sumdb-ports.ts'
import { parseTilePath, tilePath, TILE_WIDTH, type Tile } from './tile.ts'

const NAME = 'sum.example.com'

/** The record of version `at` of a module that has as many as there are. */
const recordText = (at: number, h1 = `h1:zip${at}=`): string =>
  `example.com/m v1.0.${at} ${h1}\nexample.com/m v1.0.${at}/go.mod h1:mod${at}=\n`

const tampered = (bytes: Buffer): Buffer => {
  const copy = Buffer.from(bytes)
  copy[copy.length - 1]! ^= 1
  return copy
}

/** A database that counts what it is asked, and says what a test makes it say. */
class Database {
  readonly asked: string[] = []
  /** Tiles that are not full are gone once they are. */
  forgetsPartialTiles = false
  down = false
  change: (path: string, bytes: Buffer) => Buffer = (_path, bytes) => bytes
  readonly kept = new Map<string, Buffer>()
  readonly log: SumdbLog

  constructor(signer: Signer) {
    this.log = new SumdbLog(
      {
        get: async (name) => this.kept.get(name) ?? null,
        put: async (name, bytes) => void this.kept.set(name, Buffer.from(bytes)),
      },
      signer,
    )
  }

  async grow(to: number, text = recordText): Promise<void> {
    const head = await this.log.head()
    const texts = Array.from({ length: to - head.size }, (_, at) => text(head.size + at))
    await this.log.append(head, texts, new AbortController().signal)
  }

  async answer(path: string): Promise<Buffer> {
    this.asked.push(path)
    if (this.down) throw new Error('down')
    const bytes = await this.find(path)
    if (bytes === null) throw new Error(`404 ${path}`)
    return this.change(path, bytes)
  }

  private async find(path: string): Promise<Buffer | null> {
    const head = await this.log.head()
    if (path === '/latest') return head.note
    const [, version] = /^\/lookup\/example\.com\/m@v1\.0\.([0-9]+)$/.exec(path) ?? []
    if (version !== undefined) {
      const text = await this.log.record(head, Number(version))
      return text === null ? null : Buffer.concat([Buffer.from(formatRecord({ id: Number(version), text })), head.note])
    }
    const tile = parseTilePath(path.slice(1))
    if (tile === null) return null
    const full = { ...tile, width: TILE_WIDTH }
    if (this.forgetsPartialTiles && tile.width < TILE_WIDTH && (await this.log.tile(head, full)) !== null) return null
    return this.log.tile(head, tile)
  }
}

/** What a client has written down. */
class Cache {
  readonly entries = new Map<string, Buffer>()
  latest: Buffer | null = null

  ports(database: Pick<Database, 'answer'>): SumdbPorts {
    return {
      remote: (path) => database.answer(path),
      readCache: async (name) => this.entries.get(name) ?? null,
      writeCache: async (name, bytes) => void this.entries.set(name, Buffer.from(bytes)),
      readLatest: async () => this.latest,
      writeLatest: async (old, latest) => {
        if (old === null ? this.latest !== null : this.latest?.equals(old) !== true) return false
        this.latest = latest
        return true
      },
    }
  }
}

function setUp() {
  const signer = readSignerKey(generateSignerKey(NAME))
  const database = new Database(signer)
  const cache = new Cache()
  const client = (): SumdbClient => new SumdbClient(signer.verifierKey, cache.ports(database))
  return { signer, database, cache, client }
}

const lookup = (client: SumdbClient, at: number) => client.lookup(`example.com/m@v1.0.${at}`)
const isRefusal = (error: unknown): boolean => error instanceof SumdbError

/** Two histories, with what shows it. */
const isProof = (error: unknown): boolean => {
  assert.ok(error instanceof SumdbError)
  assert.match(error.message, /two histories: its tree of 900 does not begin with its tree of 300/)
  assert.match(error.proof ?? '', /older head:\ngo\.sum database tree\n300\n[^]*newer head:\n[^]*\n900\n[^]*proof: /)
  return true
}

suite('the client of a checksum database', () => {
  test('G25 G26 every record of a growing tree is found and proved, by clients old and new', async () => {
    const { database, cache, client } = setUp()
    const old = client()
    for (const size of [1, 2, 3, 100, 255, 256, 257, 300, 511, 512, 513, 1000, 3000]) {
      await database.grow(size)
      for (const at of new Set([0, Math.floor(size / 2), size - 1])) {
        assert.deepEqual(await lookup(old, at), { id: at, text: recordText(at) })
      }
      assert.equal((await old.head())?.size, (await lookup(old, size - 1)) && size)
      assert.deepEqual(await lookup(client(), size - 1), { id: size - 1, text: recordText(size - 1) })
    }
    const { zip, mod } = recordHashes(recordText(7), 'example.com/m', 'v1.0.7')
    assert.deepEqual([zip, mod], ['h1:zip7=', 'h1:mod7='])
    assert.equal(cache.entries.has('tile/8/0/000'), true)
  })

  test('G25 what was looked up is found again without the database, by a new client too', async () => {
    const { database, client } = setUp()
    const first = client()
    for (const [size, at] of [
      [10, 3],
      [300, 299],
      [301, 100],
      [3000, 2999],
    ] as const) {
      await database.grow(size)
      await lookup(first, at)
    }
    database.down = true
    const later = client()
    for (const at of [3, 299, 100, 2999]) assert.deepEqual(await lookup(later, at), { id: at, text: recordText(at) })
    await assert.rejects(lookup(later, 50), { message: 'down' })
    for (const tile of [
      'tile/8/0/000',
      'tile/8/0/001.p/44',
      'tile/8/0/001.p/45',
      'tile/8/1/000.p/11',
      'tile/8/1/000.p/1',
    ]) {
      const bytes = await later.tile(parseTilePath(tile)!)
      assert.deepEqual(bytes, await database.log.tile(await database.log.head(), parseTilePath(tile)!), tile)
    }
  })

  test('G25 a partial tile that is gone is cut from the full one', async () => {
    const { database, cache, client } = setUp()
    await database.grow(200)
    const slow = client()
    const answer = await database.answer('/lookup/example.com/m@v1.0.7')
    await database.grow(700)
    database.forgetsPartialTiles = true
    // An answer that was given when the tree had 200 records.
    database.change = (path, bytes) => (path.startsWith('/lookup') ? answer : bytes)
    assert.deepEqual(await lookup(slow, 7), { id: 7, text: recordText(7) })
    assert.ok(database.asked.includes('/tile/8/0/000.p/200'))
    assert.ok(database.asked.includes('/tile/8/0/000'))
    assert.equal(cache.entries.get('tile/8/0/000')?.length, 200 * 32, 'no more of it is kept than was verified')
  })

  test('G26 a record that was changed is refused and not kept', async () => {
    const { database, cache, client } = setUp()
    await database.grow(300)
    database.change = (path, bytes) =>
      path.startsWith('/lookup/') ? Buffer.from(bytes.toString().replace('h1:zip', 'h1:zap')) : bytes
    await assert.rejects(lookup(client(), 5), isRefusal)
    assert.equal(cache.entries.has('lookup/example.com/m@v1.0.5'), false)
    database.change = (path, bytes) =>
      path.startsWith('/lookup/') ? Buffer.from(bytes.toString().replace(/^5\n/, '6\n')) : bytes
    await assert.rejects(lookup(client(), 5), isRefusal, 'another number')
    database.change = (_path, bytes) => bytes
    await lookup(client(), 5)
  })

  test('G26 the record of another version is refused, however well it is proved', async () => {
    const { database, cache, client } = setUp()
    await database.grow(300)
    const other = await database.answer('/lookup/example.com/m@v1.0.6')
    database.change = (path, bytes) => (path.startsWith('/lookup/') ? other : bytes)
    await assert.rejects(lookup(client(), 5), {
      name: 'SumdbError',
      message: 'Record 6 is not that of example.com/m@v1.0.5',
    })
    assert.equal(cache.entries.has('lookup/example.com/m@v1.0.5'), false)
    // Nor where somebody put it into the cache.
    await lookup(client(), 6)
    cache.entries.set('lookup/example.com/m@v1.0.5', cache.entries.get('lookup/example.com/m@v1.0.6')!)
    database.change = (_path, bytes) => bytes
    assert.deepEqual(await lookup(client(), 5), { id: 5, text: recordText(5) })
  })

  test('G26 tiles that were changed are refused and not kept', async () => {
    for (const path of ['/tile/8/0/000', '/tile/8/0/001.p/44', '/tile/8/1/000.p/1']) {
      const { database, cache, client } = setUp()
      await database.grow(300)
      database.change = (asked, bytes) => (asked === path ? tampered(bytes) : bytes)
      await assert.rejects(lookup(client(), 5), isRefusal, path)
      assert.equal(cache.entries.has(path.slice(1).replace(/\.p.*/, '')), false, path)
      database.change = (asked, bytes) => (asked === path ? bytes.subarray(0, bytes.length - 32) : bytes)
      await assert.rejects(lookup(client(), 5), isRefusal, 'a tile that is too short')
      database.change = (_path, bytes) => bytes
      await lookup(client(), 5)
    }
  })

  test('G26 a head of another key is refused', async () => {
    const { database, cache } = setUp()
    await database.grow(10)
    const { verifierKey } = readSignerKey(generateSignerKey(NAME))
    await assert.rejects(lookup(new SumdbClient(verifierKey, cache.ports(database)), 1), isRefusal)
    assert.equal(cache.latest, null)
  })

  test('G26 two histories are seen and proved, and nothing of the second is kept', async () => {
    const { signer, database, cache, client } = setUp()
    const fork = new Database(signer)
    await database.grow(300)
    await fork.grow(299)
    await fork.grow(900, (at) => recordText(at, 'h1:forged='))
    const first = client()
    await lookup(first, 5)
    const before = new Map(cache.entries)
    const { latest } = cache
    for (const one of [first, client()]) {
      const ports = cache.ports(fork)
      await assert.rejects(lookup(new SumdbClient(signer.verifierKey, ports), 800), isProof)
      database.change = (path, bytes) => (path === '/latest' ? fork.kept.get('latest')! : bytes)
      await assert.rejects(one.refresh())
    }
    assert.deepEqual(cache.entries, before)
    assert.equal(cache.latest, latest)
    // The other way round: who believed the second history is told of the first.
    const deceived = new Cache()
    const victim = new SumdbClient(signer.verifierKey, deceived.ports(fork))
    await lookup(victim, 800)
    fork.change = (path, bytes) => (path === '/latest' ? database.kept.get('latest')! : bytes)
    await assert.rejects(victim.refresh(), /two histories: its tree of 900 does not begin with its tree of 300/)
  })

  test('G26 what was damaged in the cache is fetched again', async () => {
    const { database, cache, client } = setUp()
    await database.grow(700)
    await lookup(client(), 5)
    for (const [name, bytes] of cache.entries) cache.entries.set(name, tampered(bytes))
    assert.deepEqual(await lookup(client(), 5), { id: 5, text: recordText(5) })
    database.down = true
    assert.deepEqual(await lookup(client(), 5), { id: 5, text: recordText(5) })
  })

  test('G26 two clients of one cache keep the newest head of both', async () => {
    const { database, cache, client } = setUp()
    const [one, two] = [client(), client()]
    await database.grow(10)
    await lookup(one, 1)
    await database.grow(20)
    await lookup(two, 2)
    await database.grow(30)
    await Promise.all([lookup(one, 3), lookup(two, 4), lookup(one, 5)])
    assert.deepEqual(cache.latest, (await database.log.head()).note)
    assert.equal((await one.head())?.size, 30)
  })

  test('G25 tiles of records are served once each of them is proved', async () => {
    const { database, cache, client } = setUp()
    await database.grow(300)
    const one = client()
    await one.refresh()
    const tile: Tile = { level: 'data', index: 1, width: 44 }
    assert.deepEqual(
      parseDataTile((await one.tile(tile))!),
      Array.from({ length: 44 }, (_, at) => recordText(256 + at)),
    )
    database.down = true
    assert.equal(parseDataTile((await one.tile({ ...tile, width: 3 }))!).length, 3)
    assert.equal(await one.tile({ ...tile, width: 45 }), null, 'more than the tree has')
    cache.entries.clear()
    database.down = false
    database.change = (path, bytes) =>
      path === `/${tilePath(tile)}` ? tampered(tampered(bytes).subarray(0, -3)) : bytes
    await assert.rejects(one.tile(tile), isRefusal)
  })
})
