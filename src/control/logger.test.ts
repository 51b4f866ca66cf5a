import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import path from 'node:path'
import { describe, test } from 'node:test'
import { TurnpikeError } from '../core/error.ts'
import { Secret } from '../core/secret.ts'
import { Logger, logLevels, type LoggerOptions } from './logger.ts'

function logged(options: Partial<LoggerOptions>, write: (logger: Logger) => void): string {
  let text = ''
  write(new Logger({ level: 'debug', format: 'json', wallClock: () => 0, write: (line) => (text += line), ...options }))
  return text
}

function oneOfEach(logger: Logger): void {
  logger.error('e')
  logger.warn('w')
  logger.info('i')
  logger.debug('d')
}

describe('the operational log', () => {
  test('is one JSON object a line, in ASCII', () => {
    const text = logged({}, (logger) => logger.info('serving\n"née"', { address: '127.0.0.1:8080', routes: 3 }))
    assert.match(text, /^[\x20-\x7e]+\n$/)
    assert.deepEqual(JSON.parse(text), {
      time: '1970-01-01T00:00:00.000Z',
      level: 'info',
      message: 'serving\n"née"',
      address: '127.0.0.1:8080',
      routes: 3,
    })
  })

  test('leaves out what is less important than asked for', () => {
    assert.deepEqual(
      logLevels.map((level) => logged({ level }, oneOfEach).split('\n').length - 1),
      [1, 2, 3, 4],
    )
  })

  test('shows an error by its code and message, and the stack of a bug alone', () => {
    const cause = new Error('deep inside')
    const refused = logged({}, (logger) =>
      logger.error('failed', { error: new TurnpikeError('ERR_CONNECT_REFUSED', { cause }) }),
    )
    assert.match(refused, /"code":"ERR_CONNECT_REFUSED","error":"The endpoint refused/)
    assert.doesNotMatch(refused, /deep inside/)
    assert.match(
      logged({}, (logger) => logger.error('failed', { error: new TurnpikeError('ERR_INTERNAL', { cause }) })),
      /deep inside/,
    )
  })

  test('never shows a secret', () => {
    const secret = 'hunter2'
    const fields = {
      token: secret,
      adminToken: secret,
      nested: { list: [{ password: secret }, { authorization: `Bearer ${secret}` }] },
      held: Secret.of(secret),
      url: `http://user:${secret}@example.com/`,
      message2: `cannot reach https://${secret}@example.com/x`,
      'set-cookie': secret,
    }
    for (const format of ['json', 'text'] as const) {
      const text = logged({ format }, (logger) => logger.error(`at http://u:${secret}@h/`, fields))
      assert.doesNotMatch(text, /hunter2/)
      assert.match(text, /example\.com/)
    }
  })

  test('for people it is one line without control characters', () => {
    const text = logged({ format: 'text' }, (logger) =>
      logger.warn('a\n\u001B[2Jb', { path: 'x y\u0007', n: 1, u: undefined }),
    )
    assert.match(text, /^00:00:00\.000 warn {2}a\\x0a\\x1b\[2Jb path="x y\\u0007" n=1 u=undefined\n$/)
  })

  test('goes to standard error without waiting for it, and is whole after close', () => {
    const script = path.join(import.meta.dirname, '../../test/control/log-to-stderr.ts')
    const { status, stderr, stdout } = spawnSync(process.execPath, [script, '300'], { encoding: 'utf8' })
    assert.equal(status, 0)
    assert.equal(stdout, '')
    const lines = stderr.trimEnd().split('\n')
    assert.equal(lines.length, 300)
    for (const line of lines) JSON.parse(line)
  })
})
