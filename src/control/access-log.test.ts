import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import fs from 'node:fs'
import { mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { after, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { finishedExchange } from '../../test/control/finished-exchange.ts'
import { Ledger } from '../engine/ledger.ts'
import { realWorld } from '../engine/real-world.ts'
import { RequestIds } from '../engine/request-id.ts'
import { AccessLog, type AccessLogOptions } from './access-log.ts'

const folder = await mkdtemp(path.join(os.tmpdir(), 'turnpike-log-'))
after(() => rm(folder, { recursive: true }))

const ids = new RequestIds('abc123')
const ledger = new Ledger()
const reports: string[] = []

async function open(options: Partial<AccessLogOptions>): Promise<AccessLog> {
  const base = {
    to: null,
    remember: false,
    ids,
    world: realWorld(),
    ledger,
    report: (text: string) => reports.push(text),
  }
  return await AccessLog.open({ ...base, ...options })
}

const sequences = (text: string): number[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const { id }: { id: string } = JSON.parse(line)
      return Number.parseInt(id.slice('abc123-'.length), 36)
    })

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, index) => from + index)

describe('the access log', () => {
  test('writes every line to a file that only owner and group may read', async () => {
    const to = path.join(folder, 'every.log')
    await writeFile(to, '')
    await rm(to)
    const log = await open({ to })
    for (const sequence of range(0, 2000)) log.finish(finishedExchange({ sequence }))
    await log.close()
    assert.deepEqual(sequences(await readFile(to, 'utf8')), range(0, 2000))
    assert.equal((await stat(to)).mode & 0o137, 0)
    assert.equal(log.dropped, 0)
    assert.equal(ledger.count('logFiles'), 0)
  })

  test('a lonely line is written soon, without a close', async () => {
    const to = path.join(folder, 'lonely.log')
    const log = await open({ to })
    log.finish(finishedExchange({ sequence: 5 }))
    const deadline = Date.now() + 5_000
    while ((await readFile(to, 'utf8')) === '' && Date.now() < deadline) await delay(20)
    assert.deepEqual(sequences(await readFile(to, 'utf8')), [5])
    await log.close()
  })

  test('rotation loses no line and repeats none', async () => {
    const to = path.join(folder, 'rotated.log')
    const log = await open({ to })
    let sequence = 0
    for (let round = 0; round < 5; round++) {
      for (let line = 0; line < 200; line++) log.finish(finishedExchange({ sequence: sequence++ }))
      await rename(to, `${to}.${round}`)
      const reopened = log.reopen()
      for (let line = 0; line < 200; line++) log.finish(finishedExchange({ sequence: sequence++ }))
      await reopened
    }
    log.finish(finishedExchange({ sequence: sequence++ }))
    await log.close()
    const files = [...range(0, 5).map((round) => `${to}.${round}`), to]
    const texts = await Promise.all(files.map((file) => readFile(file, 'utf8')))
    assert.equal(log.dropped, 0)
    assert.deepEqual(sequences(texts.join('')), range(0, sequence))
    assert.ok(texts.at(-1) !== '', 'the new file is written to')
    assert.equal(ledger.count('logFiles'), 0)
  })

  test('a file that cannot be opened is an error at the start, and only a report at rotation', async () => {
    await assert.rejects(open({ to: path.join(folder, 'none', 'x.log') }), { code: 'ERR_LOG_FILE' })
    const dir = await mkdtemp(path.join(folder, 'gone-'))
    const log = await open({ to: path.join(dir, 'x.log') })
    await rm(dir, { recursive: true })
    reports.length = 0
    await log.reopen()
    assert.match(reports.join(), /x\.log could not be opened: ENOENT/)
    log.finish(finishedExchange())
    await log.close()
    assert.equal(log.dropped, 0)
    assert.equal(ledger.count('logFiles'), 0)
  })

  test('a reader that stalls costs lines, which are counted, and no memory', async () => {
    const fifo = path.join(folder, 'stalled.fifo')
    execFileSync('mkfifo', [fifo])
    const reader = fs.openSync(fifo, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK)
    const log = await open({ to: fifo, ringBytes: 300_000 })
    const total = 10_000
    for (let sequence = 0; sequence < total; sequence++) {
      log.finish(finishedExchange({ sequence }))
      if (sequence % 500 === 0) await delay(1)
    }
    assert.ok(log.dropped > total / 2, 'the pipe and the ring hold less than half of it')
    let text = ''
    const buffer = Buffer.alloc(65_536)
    const read = (): void => {
      try {
        for (let bytes = 1; bytes > 0;) text += buffer.toString('latin1', 0, (bytes = fs.readSync(reader, buffer)))
      } catch (error) {
        assert.match(String(error), /EAGAIN/)
      }
    }
    const closed = log.close()
    while ((await Promise.race([closed.then(() => 'closed'), delay(5)])) !== 'closed') read()
    read()
    fs.closeSync(reader)
    const numbers = sequences(text)
    assert.equal(numbers.length + log.dropped, total)
    assert.deepEqual(
      numbers,
      numbers.toSorted((a, b) => a - b),
    )
    assert.equal(numbers.at(-1), total - 1, 'the newest are kept')
    assert.equal(ledger.count('logFiles'), 0)
  })

  test('a close does not wait for a reader that never comes back', async () => {
    const fifo = path.join(folder, 'never.fifo')
    execFileSync('mkfifo', [fifo])
    const reader = fs.openSync(fifo, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK)
    const real = realWorld()
    const world = {
      ...real,
      soon: (run: () => void) => real.soon(run),
      setTimer: (run: () => void, delayMs: number) => real.setTimer(run, delayMs / 20),
    }
    const log = await open({ to: fifo, world })
    for (const sequence of range(0, 2000)) log.finish(finishedExchange({ sequence }))
    await Promise.all([log.close(), log.reopen(), log.close()])
    log.finish(finishedExchange())
    // Descriptors are closed by the thread pool, which is in no hurry on a busy machine.
    for (let tries = 0; ledger.count('logFiles') > 0 && tries < 100; tries++) await delay(20)
    fs.closeSync(reader)
    assert.equal(ledger.count('logFiles'), 0)
  })

  test('a sink that refuses is reported once, counted, and tried again', async (t) => {
    if (!fs.existsSync('/dev/full')) return t.skip('no /dev/full here')
    reports.length = 0
    const log = await open({ to: '/dev/full' })
    for (const sequence of range(0, 1000)) log.finish(finishedExchange({ sequence }))
    await log.close()
    assert.equal(log.dropped, 1000)
    assert.deepEqual(reports, ['The log /dev/full cannot be written: ENOSPC.'])
  })

  test('a reader that is gone does not end the process', async () => {
    const fifo = path.join(folder, 'gone.fifo')
    execFileSync('mkfifo', [fifo])
    const reader = fs.openSync(fifo, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK)
    reports.length = 0
    const log = await open({ to: fifo })
    fs.closeSync(reader)
    for (const sequence of range(0, 10)) log.finish(finishedExchange({ sequence }))
    await log.close()
    assert.equal(log.dropped, 10)
    assert.match(reports.join(), /EPIPE/)
  })

  test('standard output that is a stalled pipe holds nothing up', { timeout: 20_000 }, async () => {
    const child = spawn(process.execPath, [
      path.join(import.meta.dirname, '../../test/control/log-to-stdout.ts'),
      '4000',
    ])
    // The pipe is not read until the process says that it has logged everything and its loop is alive.
    const said = new Promise<string>((resolve) => child.stderr.once('data', (data) => resolve(String(data))))
    assert.equal(await said, 'logged\n')
    let text = ''
    child.stdout.on('data', (data) => (text += String(data)))
    const [code] = await Promise.all([
      new Promise((resolve) => child.once('close', resolve)),
      new Promise((resolve) => child.stdout.once('end', resolve)),
    ])
    assert.equal(code, 0)
    const lines = text.trimEnd().split('\n')
    assert.equal(lines.length, 4000)
    for (const line of lines) JSON.parse(line)
  })

  test('remembers the last lines for `turnpike why`, whether they are written or not', async () => {
    for (const options of [{ remember: true }, { to: path.join(folder, 'why.log'), remember: false }]) {
      const log = await open({ ...options, ringBytes: 100_000 })
      for (const sequence of range(0, 2000)) log.finish(finishedExchange({ sequence, target: '/"id":"abc123-01"' }))
      assert.equal(log.find(ids.at(1999))?.status, 200)
      assert.equal(log.find(ids.at(1990))?.id, ids.at(1990))
      assert.equal(log.find(ids.at(1)), null)
      assert.equal(log.find('"id":"'), null)
      await log.close()
    }
    const nothing = await open({})
    nothing.finish(finishedExchange({ sequence: 1 }))
    assert.equal(nothing.find(ids.at(1)), null)
    assert.equal(nothing.dropped, 0)
  })
})
