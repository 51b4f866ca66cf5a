import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { generateSignerKey, readSignerKey, readVerifierKey } from './note-key.ts'
import { openNote, signNote } from './note.ts'
import { formatDataTile, formatRecord, parseDataTile, parseRecord } from './sum-record.ts'
import { SumdbError } from './sumdb-error.ts'
import { parseTilePath, tilePath, TILE_WIDTH } from './tile.ts'
import { parseTreeHead } from './tree-head.ts'

const signer = readSignerKey(generateSignerKey('sum.example.com'))
const verifier = readVerifierKey(signer.verifierKey)

/** Bytes that come near to what is expected: pieces of it in any order. */
const nearly = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '\n',
        '\n\n',
        '— ',
        'sum.example.com ',
        'go.sum database tree\n',
        '7',
        'h1:x',
        '\ud800',
        'AAAA',
        '=',
      ),
      fc.string({ unit: 'binary', maxLength: 4 }),
    ),
    { maxLength: 20 },
  )
  .map((pieces) => Buffer.from(pieces.join('')))

const bytes = fc.oneof(
  nearly,
  fc.uint8Array({ maxLength: 64 }).map((some) => Buffer.from(some)),
)

/** Whatever comes is taken or refused by a SumdbError, and by no other. */
function refusesOnly(read: () => unknown): void {
  try {
    read()
  } catch (error) {
    assert.ok(error instanceof SumdbError, String(error))
  }
}

test('G25 G26 whatever comes from a database is read or refused', () => {
  fc.assert(
    fc.property(bytes, (some) => {
      refusesOnly(() => openNote(some, [verifier]))
      refusesOnly(() => parseRecord(some))
      refusesOnly(() => parseDataTile(some))
      refusesOnly(() => parseTreeHead(some.toString()))
      const tile = parseTilePath(some.toString())
      if (tile !== null) assert.equal(tilePath(tile), some.toString())
    }),
    { numRuns: 3000 },
  )
})

test('G26 a signed note with any byte changed is refused, or says the same', () => {
  const text = 'go.sum database tree\n7\nAAAA\n'
  const note = signNote(text, [signer])
  fc.assert(
    fc.property(fc.nat(note.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
      const changed = Buffer.from(note)
      changed[at]! ^= change
      refusesOnly(() => assert.equal(openNote(changed, [verifier]).text, text))
    }),
    { numRuns: 2000 },
  )
})

test('G25 what is written is read again', () => {
  const line = fc.string({ unit: 'grapheme', minLength: 1 }).map((some) => `${some.replaceAll(/[\p{Cc}]/gu, '')}x\n`)
  const texts = fc.array(
    fc.array(line, { minLength: 1, maxLength: 3 }).map((lines) => lines.join('')),
    { maxLength: 5 },
  )
  fc.assert(
    fc.property(texts, fc.nat(), (records, id) => {
      assert.deepEqual(parseDataTile(formatDataTile(records)), records)
      for (const text of records) {
        const { record, rest } = parseRecord(Buffer.from(`${formatRecord({ id, text })}rest`))
        assert.deepEqual([record, rest.toString()], [{ id, text }, 'rest'])
      }
    }),
  )
  fc.assert(
    fc.property(fc.nat(63), fc.maxSafeNat(), fc.integer({ min: 1, max: TILE_WIDTH }), (level, number, width) => {
      const tile = { level, index: number % 1e15, width }
      assert.deepEqual(parseTilePath(tilePath(tile)), tile)
    }),
  )
})
