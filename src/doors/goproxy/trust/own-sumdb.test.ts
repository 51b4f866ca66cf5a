import assert from 'node:assert/strict'
import { suite, test, type TestContext } from 'node:test'
import { testScope } from '../../../../test/support/goproxy/test-scope.ts'
import { TurnpikeError } from '../../../core/error.ts'
import { Secret } from '../../../core/secret.ts'
import { generateSignerKey, readSignerKey } from '../../../gomod/sumdb/note-key.ts'
import { recordHashes } from '../../../gomod/sumdb/sum-record.ts'
import { SumdbClient } from '../../../gomod/sumdb/sumdb-client.ts'
import { goproxySchema } from '../config.ts'
import type { DocumentStore } from '../store/document-store.ts'
import { MemoryDocuments } from '../store/memory-documents.ts'
import { OwnSumdb, type VersionHashes } from './own-sumdb.ts'

const NAME = 'sum.corp.example/private'
const signal = new AbortController().signal
const zipOf = (at: number): string => `h1:zip${at}=`
const modOf = (at: number): string => `h1:mod${at}=`

interface Plan {
  documents?: DocumentStore
  key?: Secret | null
  hashes?: (module: string, version: string) => Promise<VersionHashes | null>
}

function own(t: TestContext, { documents, key = null, hashes = async () => null }: Plan = {}) {
  const { services, scope } = testScope(t)
  const kept = documents ?? new MemoryDocuments(services.world)
  return { database: new OwnSumdb({ name: NAME, key, scope, documents: kept, hashes }), documents: kept, scope }
}

/** What a client of it remembers from one look to the next. */
class Memory {
  private latest: Buffer | null = null

  /** A client without a cache, which believes only what goes on from what it saw before. */
  client(database: OwnSumdb, verifierKey: string): SumdbClient {
    return new SumdbClient(verifierKey, {
      remote: async (path) => (await database.serve(path, signal)).bytes,
      readCache: async () => null,
      writeCache: async () => {},
      readLatest: async () => this.latest,
      writeLatest: async (_old, latest) => {
        this.latest = latest
        return true
      },
    })
  }
}

const add = (database: OwnSumdb, at: number): Promise<void> =>
  database.add('git.corp.example/Lib', `v1.0.${at}`, zipOf(at), modOf(at))

const look = async (client: SumdbClient, at: number) => {
  const { text } = await client.lookup(`git.corp.example/!lib@v1.0.${at}`)
  return recordHashes(text, 'git.corp.example/Lib', `v1.0.${at}`)
}

const isTaken = (name: string): boolean => goproxySchema.safeParse({ ownSumdb: { name } }).success

suite('a checksum database of one’s own', () => {
  test('G25 G26 what was added is found and proved, in the order in which it came', async (t) => {
    const { database } = own(t)
    const verifierKey = await database.verifierKey()
    assert.match(verifierKey, /^sum\.corp\.example\/private\+[0-9a-f]{8}\+/)
    const memory = new Memory()
    assert.equal((await database.serve('/supported', signal)).bytes.length, 0)
    for (const size of [1, 2, 255, 256, 257, 600]) {
      const head = await memory.client(database, verifierKey).head()
      await Promise.all(
        Array.from({ length: size - (head?.size ?? 0) }, (_, at) => add(database, (head?.size ?? 0) + at)),
      )
      const client = memory.client(database, verifierKey)
      for (const at of new Set([0, size >> 1, size - 1])) {
        assert.deepEqual(await look(client, at), { zip: zipOf(at), mod: modOf(at) })
      }
      assert.equal((await client.head())?.size, size)
    }
    const { id } = await memory.client(database, verifierKey).lookup('git.corp.example/!lib@v1.0.300')
    assert.equal(id, 300)
  })

  test('G25 adding again is fine, with other hashes it is refused', async (t) => {
    const { database } = own(t)
    await Promise.all([add(database, 1), add(database, 1), add(database, 2)])
    await add(database, 1)
    const conflict = (zipH1: string, modH1: string) => database.add('git.corp.example/Lib', 'v1.0.1', zipH1, modH1)
    await assert.rejects(conflict(zipOf(9), modOf(1)), { code: 'ERR_MODULE_CHECKSUM' })
    await assert.rejects(conflict(zipOf(1), modOf(9)), {
      message: `git.corp.example/Lib@v1.0.1/go.mod: checksum mismatch\ncame now: h1:mod9=\n${NAME}: h1:mod1=`,
    })
    const [first, second] = await Promise.allSettled([
      database.add('git.corp.example/Lib', 'v1.0.3', zipOf(3), modOf(3)),
      database.add('git.corp.example/Lib', 'v1.0.3', zipOf(4), modOf(3)),
    ])
    assert.deepEqual([first.status, second.status], ['fulfilled', 'rejected'])
    assert.match((await database.serve('/latest', signal)).bytes.toString(), /^go\.sum database tree\n3\n/)
  })

  test('G26 after a restart it has the same key and the same history', async (t) => {
    const { database, documents, scope } = own(t)
    const verifierKey = await database.verifierKey()
    const memory = new Memory()
    await add(database, 0)
    await look(memory.client(database, verifierKey), 0)
    await scope.close()
    await assert.rejects(add(database, 7), { code: 'ERR_DRAINING' })
    const later = own(t, { documents }).database
    assert.equal(await later.verifierKey(), verifierKey)
    await add(later, 1)
    assert.deepEqual(await look(memory.client(later, verifierKey), 1), { zip: zipOf(1), mod: modOf(1) })
  })

  test('G26 two processes that start and append at the same time make one history', async (t) => {
    const { database: one, documents } = own(t)
    const { database: two } = own(t, { documents })
    const [key] = await Promise.all([one.verifierKey(), two.verifierKey()])
    assert.equal(await two.verifierKey(), key)
    const memories = [new Memory(), new Memory()]
    for (let round = 0; round < 10; round++) {
      const from = round * 60
      await Promise.all(Array.from({ length: 60 }, (_, at) => add(at % 2 === 0 ? one : two, from + at)))
      for (const [at, database] of [one, two].entries()) {
        const client = memories[at]!.client(database, key)
        await look(client, from + 59)
        assert.equal((await client.head())?.size, from + 60)
      }
    }
  })

  test('G26 an append that ends at any moment leaves the history as it was, and the next one goes on', async (t) => {
    const { database, documents } = own(t)
    const verifierKey = await database.verifierKey()
    const memory = new Memory()
    let size = 250
    await Promise.all(Array.from({ length: size }, (_, at) => add(database, at)))
    await look(memory.client(database, verifierKey), 3)
    let ends = 0
    for (let puts = 0; ends === puts; puts++) {
      let left = puts
      const dying: DocumentStore = {
        get: (name) => documents.get(name),
        put: (name, bytes) => (left-- > 0 ? documents.put(name, bytes) : Promise.reject(new Error('killed'))),
        remove: (name) => documents.remove(name),
        list: (prefix, after) => documents.list(prefix, after),
        exclusively: (name, work) => documents.exclusively(name, work),
      }
      // Ten at a time, so that some of them cross the end of a tile; of other versions than are added next.
      const { database: killed } = own(t, { documents: dying })
      const dead = await Promise.allSettled(Array.from({ length: 10 }, (_, at) => add(killed, 5000 + 10 * puts + at)))
      const client = memory.client(own(t, { documents }).database, verifierKey)
      if (dead.every(({ status }) => status === 'fulfilled')) {
        size += 10
        break
      }
      ends++
      await client.refresh()
      assert.equal((await client.head())?.size, size)
      await assert.rejects(look(client, 5000 + 10 * puts), { status: 404 })
      await add(own(t, { documents }).database, size)
      assert.deepEqual(await look(client, size), { zip: zipOf(size), mod: modOf(size) })
      size++
    }
    assert.ok(ends >= 13, 'ten numbers, a tile of hashes, one of records, the head')
    const client = memory.client(database, verifierKey)
    await client.refresh()
    assert.equal((await client.head())?.size, size)
    assert.deepEqual(await look(client, 249), { zip: zipOf(249), mod: modOf(249) })
  })

  test('G26 nothing is signed where the hold was lost', async (t) => {
    const { database, documents } = own(t)
    await add(database, 0)
    const before = await database.serve('/latest', signal)
    const lost = new AbortController()
    const losing: DocumentStore = {
      get: (name) => documents.get(name),
      put: (name, bytes) => {
        if (name.includes('/tile/')) lost.abort(new TurnpikeError('ERR_MODULE_STORE', { message: 'lost' }))
        return documents.put(name, bytes)
      },
      remove: (name) => documents.remove(name),
      list: (prefix, after) => documents.list(prefix, after),
      exclusively: (name, work) => documents.exclusively(name, () => work(lost.signal)),
    }
    await assert.rejects(add(own(t, { documents: losing }).database, 1), { code: 'ERR_MODULE_STORE' })
    assert.deepEqual(await database.serve('/latest', signal), before)
  })

  test('G25 a version that is kept and was not logged is logged when it is asked for', async (t) => {
    const asked: string[] = []
    const { database } = own(t, {
      hashes: async (module, version) => {
        asked.push(`${module}@${version}`)
        return version === 'v1.0.5' ? { zipH1: zipOf(5), modH1: modOf(5) } : null
      },
    })
    const client = new Memory().client(database, await database.verifierKey())
    assert.deepEqual(await look(client, 5), { zip: zipOf(5), mod: modOf(5) })
    assert.match((await database.serve('/lookup/git.corp.example/!lib@v1.0.5', signal)).bytes.toString(), /^0\n/)
    await assert.rejects(look(client, 6), { status: 404, code: 'ERR_MODULE_NOT_FOUND' })
    assert.deepEqual(asked, ['git.corp.example/Lib@v1.0.5', 'git.corp.example/Lib@v1.0.6'])
  })

  test('the signing key is the config’s, or kept in the store, and shows nowhere', async (t) => {
    const text = generateSignerKey(NAME)
    const seed = text.split('+').at(-1)!
    const { database } = own(t, { key: Secret.of(`${text}\n`) })
    assert.equal((await database.serve('/key', signal)).bytes.toString(), `${readSignerKey(text).verifierKey}\n`)
    const isSilent =
      (pattern: RegExp) =>
      (error: unknown): boolean => {
        assert.ok(error instanceof TurnpikeError)
        assert.equal(error.code, 'ERR_CONFIG_INVALID')
        assert.match(error.message, pattern)
        assert.ok(!error.message.includes(seed.slice(0, 10)))
        return true
      }
    const cut = own(t, { key: Secret.of(text.slice(0, -4)) }).database
    await assert.rejects(cut.verifierKey(), isSilent(/signing key of sum\.corp\.example\/private: /))
    const other = own(t, { key: Secret.of(generateSignerKey('sum.other.example')) }).database
    await assert.rejects(other.verifierKey(), isSilent(/is one of sum\.other\.example/))
    for (const path of ['/key', '/supported', '/latest']) {
      assert.ok(!(await database.serve(path, signal)).bytes.toString().includes(seed.slice(0, 10)))
    }
  })

  test('a name is one that the go command takes', () => {
    for (const name of ['sum.example.com', 'sum', 'sum.example.com/team/a_b.c', '10.0.0.1/x'])
      assert.ok(isTaken(name), name)
    for (const name of [
      '',
      '/',
      'sum/',
      '/sum',
      'sum//x',
      'sum/../x',
      '..',
      'a+b',
      'a b',
      'a:80',
      'https://a',
      'ä.com',
    ]) {
      assert.ok(!isTaken(name), name)
    }
  })

  test('G26 a log that was damaged says so, and nothing is appended to it', async (t) => {
    const { database, documents } = own(t)
    for (let at = 0; at < 3; at++) await add(database, at)
    const names: string[] = []
    for await (const name of documents.list('sumdb/')) names.push(name)
    for (const pattern of [/\/tile\/8\/0\/000$/, /\/tile\/8\/data\/000$/]) {
      const name = names.find((each) => pattern.test(each))!
      const { bytes } = (await documents.get(name))!
      const changed = Buffer.from(bytes)
      changed[40]! ^= 1
      await documents.put(name, changed)
      await assert.rejects(add(own(t, { documents }).database, 9), { code: 'ERR_SUMDB_INVALID' }, name)
      await documents.put(name, bytes.subarray(0, 64))
      await assert.rejects(database.serve(`/tile/${name.split('/tile/')[1]!}.p/3`, signal), {
        code: 'ERR_SUMDB_INVALID',
      })
      await documents.put(name, bytes)
    }
    await add(own(t, { documents }).database, 9)
  })
})
