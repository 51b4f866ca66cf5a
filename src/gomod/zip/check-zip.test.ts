import assert from 'node:assert/strict'
import { test } from 'node:test'
import { crc32, deflateRawSync } from 'node:zlib'
import { makeModule } from '../../../test/support/goproxy/module-fixtures.ts'
import { buildModuleZip } from './build-zip.ts'
import { checkModuleZip } from './check-zip.ts'
import { ModuleZipError } from './module-zip-error.ts'
import { MemoryAccess } from './random-access.ts'

const module = 'example.com/hello'
const version = 'v1.2.3'
const prefix = `${module}@${version}/`

const check = (zip: Buffer, limits = { zip: 10_000_000, mod: 1000 }): ReturnType<typeof checkModuleZip> =>
  checkModuleZip(new MemoryAccess(zip), module, version, limits)

interface Entry {
  name: string
  data: Buffer
  method?: number
  flags?: number
  crc?: number
  size?: number
  type?: number
  localName?: string
  localCrc?: number
  compressedSize?: number
  headerAt?: number
  extra?: Buffer
}

const stored = (name: string, text: string, change: Partial<Entry> = {}): Entry => ({
  name: prefix + name,
  data: Buffer.from(text),
  size: Buffer.byteLength(text),
  crc: crc32(text),
  ...change,
})

const deflated = (name: string, text: string, change: Partial<Entry> = {}): Entry =>
  stored(name, text, { data: deflateRawSync(text), method: 8, ...change })

/** Writes a zip field by field, so that each can be wrong. */
function zipOf(
  entries: readonly Entry[],
  end: Partial<{ count: number; startsAt: number; comment: string; prefix: string }> = {},
): Buffer {
  const local: Buffer[] = [Buffer.from(end.prefix ?? '')]
  const directory: Buffer[] = []
  let at = local[0]!.length
  for (const entry of entries) {
    const { data, method = 0, flags = 0, crc = 0, size = 0, type = 0, compressedSize = data.length, extra } = entry
    const name = Buffer.from(entry.name)
    const localName = Buffer.from(entry.localName ?? entry.name)
    const header = Buffer.alloc(30)
    header.writeUInt32LE(0x04034b50, 0)
    header.writeUInt16LE(flags, 6)
    header.writeUInt16LE(method, 8)
    header.writeUInt32LE(entry.localCrc ?? crc, 14)
    header.writeUInt32LE(compressedSize, 18)
    header.writeUInt32LE(size, 22)
    header.writeUInt16LE(localName.length, 26)
    const central = Buffer.alloc(46)
    central.writeUInt32LE(0x02014b50, 0)
    central.writeUInt8(3, 5)
    central.writeUInt16LE(flags, 8)
    central.writeUInt16LE(method, 10)
    central.writeUInt32LE(crc, 16)
    central.writeUInt32LE(compressedSize, 20)
    central.writeUInt32LE(size, 24)
    central.writeUInt16LE(name.length, 28)
    central.writeUInt16LE(extra?.length ?? 0, 30)
    central.writeUInt16LE(type, 40)
    central.writeUInt32LE(entry.headerAt ?? at, 42)
    local.push(header, localName, data)
    directory.push(central, name, extra ?? Buffer.alloc(0))
    at += 30 + localName.length + data.length
  }
  const central = Buffer.concat(directory)
  const comment = Buffer.from(end.comment ?? '')
  const record = Buffer.alloc(22)
  record.writeUInt32LE(0x06054b50, 0)
  record.writeUInt16LE(end.count ?? entries.length, 8)
  record.writeUInt16LE(end.count ?? entries.length, 10)
  record.writeUInt32LE(central.length, 12)
  record.writeUInt32LE(end.startsAt ?? at, 16)
  record.writeUInt16LE(comment.length, 20)
  return Buffer.concat([...local, central, record, comment])
}

test('G21 stored and deflated entries, a comment and folders are taken', async () => {
  const zip = zipOf(
    [
      { name: prefix, data: Buffer.alloc(0), type: 0x41ed },
      stored('go.mod', 'module example.com/hello\n', { type: 0x81a4 }),
      deflated('a/b.txt', 'b'.repeat(1000)),
    ],
    { comment: 'made by hand' },
  )
  const checked = await check(zip)
  assert.deepEqual(
    { files: checked.files, bytes: checked.contentBytes, mod: String(checked.mod) },
    { files: 2, bytes: 1025, mod: 'module example.com/hello\n' },
  )
})

const far = 'x'.repeat(2_000_000)
const wrongs: Record<string, [zip: () => Buffer, message: RegExp]> = {
  'nothing at all': [() => Buffer.alloc(0), /no end record/],
  'no zip': [() => Buffer.alloc(1000, 'PK'), /no end record/],
  'bytes behind its end': [
    () => Buffer.concat([zipOf([stored('a', 'a')]), Buffer.from('x')]),
    /follows its end record/,
  ],
  'bytes before its start': [
    () => zipOf([stored('a', 'a', { headerAt: 0 })], { prefix: 'junk', startsAt: 44 + prefix.length }),
    /./,
  ],
  'more entries than it has': [() => zipOf([stored('a', 'a')], { count: 2 }), /malformed|cut short/],
  'fewer entries than it has': [
    () => zipOf([stored('a', 'a'), stored('b', 'b')], { count: 1 }),
    /more than its entries/,
  ],
  'another name in the local header': [() => zipOf([stored('a', 'a', { localName: `${prefix}b` })]), /own header/],
  'another CRC in the local header': [() => zipOf([stored('a', 'a', { localCrc: 7 })]), /own header/],
  'a wrong CRC': [() => zipOf([stored('a', 'a', { crc: 7 })]), /CRC-32/],
  'a wrong CRC of a large file': [() => zipOf([deflated('a', far, { crc: 7 })]), /CRC-32/],
  'a method of its own': [() => zipOf([stored('a', 'a', { method: 12 })]), /method 12/],
  'an encrypted entry': [() => zipOf([stored('a', 'a', { flags: 1 })]), /encrypted/],
  'a symbolic link': [() => zipOf([stored('a', '/etc/passwd', { type: 0xa1ff })]), /neither a file nor a directory/],
  'a device': [() => zipOf([stored('a', '', { type: 0x21ff })]), /neither a file nor a directory/],
  'a folder with contents': [() => zipOf([stored('a/', 'a')]), /directory with contents/],
  'two sizes': [() => zipOf([stored('a', 'abc', { size: 2 })]), /two sizes/],
  'more than announced': [() => zipOf([deflated('a', 'a'.repeat(100_000), { size: 10 })]), /longer than announced/],
  'much more than announced': [() => zipOf([deflated('a', far, { size: 1_000_000 })]), /longer than announced/],
  'less than announced': [() => zipOf([deflated('a', 'a', { size: 2 })]), /not as long as announced/],
  'much less than announced': [() => zipOf([deflated('a', far, { size: 3_000_000 })]), /shorter than announced/],
  'what cannot be inflated': [
    () => zipOf([deflated('a', 'a', { data: Buffer.alloc(20, 0xff) })]),
    /cannot be inflated/,
  ],
  'much that cannot be inflated': [
    () => zipOf([deflated('a', far, { data: Buffer.alloc(500_000, 0xff) })]),
    /cannot be inflated/,
  ],
  'the same bytes twice': [
    () => zipOf([stored('a', 'a'), stored('b', 'b', { headerAt: 0, localName: `${prefix}a` })]),
    /overlaps|own header/,
  ],
  'no UTF-8 in a name': [
    () =>
      Buffer.from(
        zipOf([stored('abc', 'a')])
          .toString('latin1')
          .replaceAll('abc', 'a\xffc'),
        'latin1',
      ),
    /no UTF-8/,
  ],
  'a name that nobody can unpack': [() => zipOf([stored('a/'.repeat(2500) + 'a', 'a')]), /name of more than/],
  'a zip64 size that is not there': [
    () => zipOf([stored('a', 'a', { size: 0xffffffff, extra: Buffer.from([1, 0, 0, 0]) })]),
    /zip64 field/,
  ],
}

for (const [what, [zip, message]] of Object.entries(wrongs)) {
  test(`G21 refused: ${what}`, () =>
    assert.rejects(check(zip()), (error) => {
      assert.ok(error instanceof ModuleZipError, String(error))
      assert.match(error.message, message)
      return true
    }))
}

test('G21 sizes are bounded before anything is inflated', async () => {
  const bomb = zipOf([deflated('a', 'a', { size: 9_000_000 }), deflated('b', 'b', { size: 9_000_000 })])
  await assert.rejects(check(bomb), { tooLarge: true, message: /contents too large/ })
  const license = zipOf([deflated('LICENSE', 'a', { size: 17 * 1024 * 1024 })])
  await assert.rejects(check(license, { zip: 1e9, mod: 1000 }), { tooLarge: true, message: /LICENSE/ })
  await assert.rejects(check(zipOf([stored('go.mod', 'x'.repeat(1001))])), { tooLarge: true, message: /go\.mod/ })
  await assert.rejects(check(zipOf([stored('a', far)]), { zip: 1_000_000, mod: 1 }), {
    tooLarge: true,
    message: /zip file/,
  })
})

test('G21 a version that is not canonical, or of another major version, has no zip', async () => {
  const zip = new MemoryAccess(zipOf([]))
  await assert.rejects(checkModuleZip(zip, module, 'v1.2'), /should be "v1\.2\.0"/)
  await assert.rejects(checkModuleZip(zip, module, 'v2.0.0'), ModuleZipError)
  await assert.rejects(checkModuleZip(zip, 'hello', version), /malformed module path/)
})

test('G21 65 535 entries and more are counted by zip64', async () => {
  const files = Array.from({ length: 66_000 }, (_, at) => ({
    path: `f${at}`,
    type: 'file' as const,
    size: 0,
    async *read() {},
  }))
  const pieces: Buffer[] = []
  const built = await buildModuleZip({ module, version, files }, async (bytes) => void pieces.push(bytes))
  const { omitted: _, ...checked } = built
  assert.deepEqual(await check(Buffer.concat(pieces), { zip: 1e9, mod: 1 }), checked)
})

test('G22 the same files give the same bytes', async () => {
  const files = { 'a.go': 'package hello\n', 'big.txt': far }
  const [one, two] = [await makeModule(module, version, { files }), await makeModule(module, version, { files })]
  assert.ok(one.zip.equals(two.zip))
})

test('G21 a zip with any byte changed is refused or is the same module: never a crash, never more than its bounds', async () => {
  const { zip, h1 } = await makeModule(module, version, {
    files: { 'a.go': 'package hello\n', 'b/c.txt': 'c'.repeat(500) },
  })
  const before = process.memoryUsage().rss
  let refused = 0
  for (let at = 0; at < zip.length; at++) {
    for (const value of [0, 0xff, zip[at]! ^ 1]) {
      const mutated = Buffer.from(zip)
      mutated[at] = value
      try {
        assert.equal((await check(mutated)).h1, h1)
      } catch (error) {
        if (!(error instanceof ModuleZipError)) throw error
        refused++
      }
    }
  }
  for (let length = 0; length < zip.length; length++) {
    await assert.rejects(check(zip.subarray(0, length)), ModuleZipError)
  }
  assert.ok(refused > zip.length)
  assert.ok(process.memoryUsage().rss - before < 200_000_000)
})
