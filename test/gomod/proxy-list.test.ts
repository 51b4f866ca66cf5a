import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseProxyList } from '../../src/gomod/index.ts'
import { GoCommand } from '../support/goproxy/go-command.ts'
import { requireProgram } from '../support/peers/require-program.ts'

/** Lists that lead nowhere: what the go command says shows how it read them. */
const lists = [
  ',',
  ' , |',
  'direct+https://127.0.0.1:1',
  'off+direct',
  'ftp://127.0.0.1:1',
  'proxy',
  'Direct',
  'OFF',
  '/srv/modules',
  'file://host/srv',
  'file:///srv?x',
  'https://[::1',
  'https://127.0.0.1:x',
  'https://a b',
  'http://127.0.0.1:1',
  'HTTP://127.0.0.1:1',
  '127.0.0.1:1',
  '127.0.0.1:1/x,off',
  'off',
  ' off ',
  'off|proxy',
  'off,ftp://127.0.0.1:1',
  ',http://127.0.0.1:1,',
  'http://127.0.0.1:1|off',
  'http://127.0.0.1:1,proxy',
  'file:///nonexistent',
  'file:///nonexistent|off',
]

test('G10 a list is refused where the real go command refuses it, and nowhere else', async (t) => {
  if (!requireProgram(t, 'go')) return
  await Promise.all(
    lists.map(async (proxy) => {
      const go = await GoCommand.make(t, { proxy })
      const { stderr } = await go.run('mod', 'download', 'code.example/a@v1.0.0')
      const refused = /invalid (?:file:\/\/ )?proxy URL|contains no entries|: parse "/.test(stderr)
      if (refused) assert.throws(() => parseProxyList(proxy), RangeError, `${proxy}: ${stderr}`)
      else assert.doesNotThrow(() => parseProxyList(proxy), `${proxy}: ${stderr}`)
    }),
  )
})
