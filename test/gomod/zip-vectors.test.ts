import assert from 'node:assert/strict'
import { test } from 'node:test'
import { foldName } from '../../src/gomod/zip/fold-name.ts'
import { buildModuleZip } from '../../src/gomod/zip/build-zip.ts'
import { checkModuleZip } from '../../src/gomod/zip/check-zip.ts'
import { chooseModuleFiles, type SourceFile } from '../../src/gomod/zip/module-files.ts'
import { ModuleZipError } from '../../src/gomod/zip/module-zip-error.ts'
import { MemoryAccess } from '../../src/gomod/zip/random-access.ts'
import { goZipLimits } from '../../src/gomod/zip/zip-limits.ts'
import { ZipWriter } from '../../src/gomod/zip/zip-writer.ts'
import vectors from './zip-vectors.json' with { type: 'json' }

interface File {
  path: string
  text: string
  type?: string
}

function sourceOf({ path, text, type = 'file' }: File): SourceFile {
  const bytes = Buffer.from(text)
  return {
    path,
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the generator writes these
    type: type as SourceFile['type'],
    size: bytes.length,
    async *read() {
      if (bytes.length > 0) yield bytes
    },
  }
}

const { module, version } = vectors
const lists: { files: File[]; valid: string[]; omitted: Record<string, string>; invalid: string[]; h1?: string }[] =
  vectors.lists
const zips: { entries: File[]; error?: string; h1?: string }[] = vectors.zips

test('G22 what is chosen, what is left out and why, and the h1 of the zip are those of x/mod/zip', async () => {
  let built = 0
  for (const { files, valid, omitted, invalid, h1 } of lists) {
    const said = JSON.stringify(files)
    const sources = files.map(sourceOf)
    const pieces: Buffer[] = []
    const build = buildModuleZip({ module, version, files: sources }, async (bytes) => void pieces.push(bytes))
    if (h1 === undefined) {
      assert.ok(invalid.length > 0, said)
      await assert.rejects(build, ModuleZipError, said)
      continue
    }
    const chosen = await chooseModuleFiles(sources, goZipLimits)
    const paths = chosen.included.map(({ path }) => path)
    assert.deepEqual(paths, valid, said)
    assert.deepEqual(Object.fromEntries(chosen.omitted.map(({ path, why }) => [path, why])), omitted, said)
    const made = await build
    assert.equal(made.h1, h1, said)
    const { omitted: _, ...checked } = made
    assert.deepEqual(await checkModuleZip(new MemoryAccess(Buffer.concat(pieces)), module, version), checked)
    built++
  }
  assert.ok(built > 100 && built < lists.length - 100, `${built} of ${lists.length}`)
})

test('G21 G23 zips that x/mod/zip refuses are refused, and the others have its h1', async () => {
  let taken = 0
  for (const { entries, error, h1 } of zips) {
    const said = JSON.stringify({ entries, error })
    const check = checkModuleZip(new MemoryAccess(await zipOf(entries)), module, version)
    if (h1 === undefined) await assert.rejects(check, ModuleZipError, said)
    else assert.equal((await check).h1, h1, said)
    taken += Number(h1 !== undefined)
  }
  assert.ok(taken > 100 && taken < zips.length - 100, `${taken} of ${zips.length}`)
})

async function zipOf(entries: readonly File[]): Promise<Buffer> {
  const pieces: Buffer[] = []
  const writer = new ZipWriter(async (bytes) => void pieces.push(bytes))
  for (const { path, text } of entries) {
    await writer.add(path, Buffer.byteLength(text), sourceOf({ path, text }).read())
  }
  await writer.end()
  return Buffer.concat(pieces)
}

test('G21 names are one where Go folds them to one, letter by letter', () => {
  const classes = new Map<string, string>()
  for (const letters of vectors.folds) for (const letter of letters) classes.set(letter, letters)
  for (let code = 0; code <= 0x10ffff; code++) {
    if (code >= 0xd800 && code <= 0xdfff) continue
    const letter = String.fromCodePoint(code)
    const letters = classes.get(letter) ?? letter
    const folded = foldName(letter)
    for (const other of letters) assert.equal(foldName(other), folded, `U+${code.toString(16)}`)
    // Folds to a letter of its own class, so no two classes meet. Node may know cases of letters that this Go does not.
    if (classes.has(letter)) assert.ok(letters.includes(folded), `U+${code.toString(16)}`)
    else if (folded !== letter) assert.ok(isNewer(letter), `U+${code.toString(16)}`)
  }
})

/** A letter that came with a later version of Unicode than the vectors' Go knows. */
function isNewer(letter: string): boolean {
  const code = letter.codePointAt(0)!
  return !vectors.letters.some(([first, last]) => first! <= code && code <= last!)
}
