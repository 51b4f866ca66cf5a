import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { suite, test } from 'node:test'
import { openNote, signNote } from './note.ts'
import { readSignerKey, readVerifierKey } from './note-key.ts'
import { checkRecord, checkTree, proveRecord, proveTree } from './proof.ts'
import { splitStoredHashIndex, storedHashCount, storedHashIndex } from './stored-hashes.ts'
import { formatRecord, parseRecord } from './sum-record.ts'
import { parseTilePath, tilePath, tileWidth } from './tile.ts'
import { nodeHash, recordHash, treeHash, type HashReader } from './tree-hash.ts'
import { formatTreeHead, parseTreeHead } from './tree-head.ts'

// What golang.org/x/mod/sumdb itself says: test/gomod/generate-sumdb prints it.
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- our own generator wrote it
const vectors = JSON.parse(
  readFileSync(new URL('../../../test/gomod/sumdb-vectors.json', import.meta.url), 'utf8'),
) as Vectors

interface Vectors {
  open: { Name: string; Message: string; Keys: string[]; OK: boolean; Signatures: number; Unverified: number }[]
  signing: Record<'Text' | 'AliceKey' | 'BobKey' | 'AliceVerifierKey' | 'BobVerifierKey' | 'Signed', string>
  verifierKeys: Verdict[]
  treeHashes: Record<string, string>
  recordProofs: { Size: number; N: number; Hashes: string[] }[]
  treeProofs: { Size: number; N: number; Hashes: string[] }[]
  storedHashIndexes: [level: number, n: number, index: number][]
  storedHashCounts: [size: number, count: number][]
  tiles: { Level: number; Index: number; Width: number; Path: string; SHA256: string }[]
  tilePaths: { Path: string; OK: boolean; Level: number; Index: number; Width: number }[]
  treeHeads: Verdict[]
  records: Verdict[]
  formatted: Record<'Record' | 'Tree' | 'RecordHash' | 'NodeHash' | 'Other', string>
}

interface Verdict {
  Input: string
  OK: boolean
}

const fromBase64 = (text: string): Buffer => Buffer.from(text, 'base64')

/** Whether it was taken. Anything but an error that says what is wrong with the input is one of ours. */
function takes(read: () => unknown): boolean {
  try {
    read()
    return true
  } catch (error) {
    assert.ok(error instanceof Error && ['SumdbError', 'RangeError'].includes(error.name), String(error))
    return false
  }
}

/** Reads the hashes of the log whose records are `record 0\n`, `record 1\n` and so on. */
const hashes: HashReader = (() => {
  const known = new Map<string, Buffer>()
  const make = (level: number, n: number): Buffer => {
    const key = `${level}/${n}`
    let hash = known.get(key)
    hash ??= level === 0 ? recordHash(`record ${n}\n`) : nodeHash(make(level - 1, 2 * n), make(level - 1, 2 * n + 1))
    known.set(key, hash)
    return hash
  }
  return async (level, n) => make(level, n)
})()

suite('G26 signed notes, as x/mod reads them', () => {
  for (const { Name, Message, Keys, OK, Signatures, Unverified } of vectors.open) {
    test(`G26 ${Name}`, () => {
      const [bytes, verifiers] = [fromBase64(Message), Keys.map(readVerifierKey)]
      assert.equal(
        takes(() => openNote(bytes, verifiers)),
        OK,
      )
      if (!OK) return
      const note = openNote(bytes, verifiers)
      assert.equal(note.signatures.length, Signatures)
      assert.equal(note.unverified.length, Unverified)
    })
  }

  test('G26 signing gives the bytes that x/mod gives', () => {
    const { Text, AliceKey, BobKey, Signed } = vectors.signing
    const both = [readSignerKey(AliceKey), readSignerKey(BobKey)]
    assert.equal(signNote(Text, both).toString(), Signed)
    assert.equal(both[0]!.verifierKey, vectors.signing.AliceVerifierKey)
    assert.equal(both[1]!.verifierKey, vectors.signing.BobVerifierKey)
    const first = signNote(Text, [both[0]!])
    const { signatures } = openNote(first, [readVerifierKey(vectors.signing.AliceVerifierKey)])
    assert.equal(signNote(Text, [both[1]!], signatures).toString(), Signed, 'a signature added to a note')
  })

  test('G26 verifier keys are taken as x/mod takes them', () => {
    for (const { Input, OK } of vectors.verifierKeys) {
      assert.equal(
        takes(() => readVerifierKey(fromBase64(Input).toString())),
        OK,
        fromBase64(Input).toString(),
      )
    }
  })
})

suite('G26 trees, as x/mod computes them', () => {
  test('G26 hashes of trees of many sizes', async () => {
    for (const [size, hash] of Object.entries(vectors.treeHashes)) {
      assert.equal((await treeHash(Number(size), hashes)).toString('base64'), hash, size)
    }
  })

  test('G26 proofs of records: the same, taken, and refused when anything is changed', async () => {
    for (const { Size, N, Hashes } of vectors.recordProofs) {
      const proof = await proveRecord(Size, N, hashes)
      assert.deepEqual(
        proof.map((one) => one.toString('base64')),
        Hashes,
      )
      const root = await treeHash(Size, hashes)
      const leaf = await hashes(0, N)
      assert.ok(checkRecord(proof, Size, root, N, leaf))
      assert.ok(!checkRecord(proof, Size, root, N, recordHash('another')))
      assert.ok(!checkRecord([...proof, leaf], Size, root, N, leaf))
      assert.ok(!checkRecord(proof, Size, root, Size, leaf))
      if (proof.length > 0) assert.ok(!checkRecord(proof.slice(1), Size, root, N, leaf))
    }
  })

  test('G26 proofs of growth: the same, taken, and refused when anything is changed', async () => {
    for (const { Size, N, Hashes } of vectors.treeProofs) {
      const proof = await proveTree(Size, N, hashes)
      assert.deepEqual(
        proof.map((one) => one.toString('base64')),
        Hashes,
      )
      const root = await treeHash(Size, hashes)
      const old = await treeHash(N, hashes)
      assert.ok(checkTree(proof, Size, root, N, old))
      assert.ok(!checkTree(proof, Size, root, N, recordHash('another')))
      assert.ok(!checkTree([...proof, old], Size, root, N, old))
      if (proof.length > 0) assert.ok(!checkTree(proof.slice(1), Size, root, N, old))
    }
  })

  test('places of hashes in a log without tiles', () => {
    for (const [level, n, index] of vectors.storedHashIndexes) {
      assert.equal(storedHashIndex(level, n), index)
      assert.deepEqual(splitStoredHashIndex(index), { level, n })
    }
    for (const [size, count] of vectors.storedHashCounts) assert.equal(storedHashCount(size), count)
  })

  test('G26 hashes of records and nodes, tree heads', () => {
    const { RecordHash, NodeHash, Tree, Other } = vectors.formatted
    assert.equal(recordHash('x').toString('base64'), RecordHash)
    assert.equal(nodeHash(fromBase64(RecordHash), fromBase64(Other)).toString('base64'), NodeHash)
    assert.equal(formatTreeHead({ size: 12, hash: recordHash('x') }), Tree)
    assert.deepEqual(parseTreeHead(Tree), { size: 12, hash: recordHash('x') })
    for (const { Input, OK } of vectors.treeHeads) {
      const text = fromBase64(Input).toString()
      assert.equal(
        takes(() => parseTreeHead(text)),
        OK,
        JSON.stringify(text),
      )
    }
  })
})

suite('G25 tiles and records, as x/mod names and reads them', () => {
  test('G25 tile paths', () => {
    for (const { Path, OK, Level, Index, Width } of vectors.tilePaths) {
      const tile = parseTilePath(Path)
      assert.equal(tile !== null, OK, Path)
      if (!OK) continue
      assert.deepEqual(tile, { level: Level === -1 ? 'data' : Level, index: Index, width: Width })
      assert.equal(tilePath(tile), Path)
    }
    assert.equal(parseTilePath('tile/4/0/000'), null, 'tiles of other heights are not served')
  })

  test('G25 the contents of tiles', async () => {
    for (const { Level, Index, Width, Path, SHA256 } of vectors.tiles) {
      const tile = { level: Level, index: Index, width: Width }
      assert.equal(tilePath(tile), Path)
      const entries = Array.from({ length: Width }, (_, at) => hashes(8 * Level, 256 * Index + at))
      const bytes = Buffer.concat(await Promise.all(entries))
      assert.equal(createHash('sha256').update(bytes).digest('hex'), SHA256, Path)
    }
  })

  test('G25 the width of a tile in a tree', () => {
    const widths = [0, 1, 2].map((level) => tileWidth(66_000, level, 0))
    assert.deepEqual(widths, [256, 256, 1])
    assert.equal(tileWidth(66_000, 0, 257), 66_000 - 257 * 256)
    assert.equal(tileWidth(66_000, 0, 258), 0)
    assert.equal(tileWidth(66_000, 'data', 257), 66_000 - 257 * 256)
    assert.equal(tileWidth(66_000, 63, 0), 0)
  })

  test('G25 records', () => {
    const { Record } = vectors.formatted
    const text = 'm v1 h1:x\nm v1/go.mod h1:y\n'
    assert.equal(formatRecord({ id: 12, text }), Record)
    assert.deepEqual(parseRecord(Buffer.from(`${Record}rest`)), { record: { id: 12, text }, rest: Buffer.from('rest') })
    for (const { Input, OK } of vectors.records) {
      assert.equal(
        takes(() => parseRecord(fromBase64(Input))),
        OK,
        JSON.stringify(fromBase64(Input).toString('latin1')),
      )
    }
  })
})
