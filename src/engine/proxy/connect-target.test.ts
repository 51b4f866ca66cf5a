import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connectDestination, parseConnectTarget } from './connect-target.ts'

test('F1 reads host and port, the host in one text whichever way it was written', () => {
  for (const [target, host, port] of [
    ['a.test:443', 'a.test', 443],
    ['A.Test.:1', 'a.test', 1],
    ['127.0.0.1:65535', '127.0.0.1', 65_535],
    ['0x7f.1:80', '127.0.0.1', 80],
    ['2130706433:80', '127.0.0.1', 80],
    ['[::1]:443', '::1', 443],
    ['[0:0::0:1]:443', '::1', 443],
    ['[::ffff:7f00:1]:443', '127.0.0.1', 443],
  ] as const)
    assert.deepEqual(parseConnectTarget(target), { host, port }, target)
})

test('F1 refuses what is no host with a port', () => {
  const noPort = ['a.test', 'a.test:', 'a.test:0', 'a.test:65536', 'a.test:+1', 'a.test:443x', 'a.test:000443', '[::1]']
  const noHost = ['', ':443', '::1:443', '[]:443', '[a.test]:443', '[::1%eth0]:443', 'u@a.test:443', 'a%2etest:443']
  const more = ['http://a.test:443', 'a.test:443/', 'a..test:443', 'a b:443', '999.1.1.1:443', 'a.test:1:2']
  for (const target of [...noPort, ...noHost, ...more])
    assert.throws(() => parseConnectTarget(target), { code: 'ERR_CONNECT_TARGET' }, target)
})

test('F1 refuses a body', () => {
  const head = { target: 'a.test:443', chunked: false, contentLength: -1 }
  assert.equal(connectDestination(head).host, 'a.test')
  assert.equal(connectDestination({ ...head, contentLength: 0 }).kind, 'connect')
  assert.throws(() => connectDestination({ ...head, contentLength: 1 }), { code: 'ERR_CONNECT_TARGET' })
  assert.throws(() => connectDestination({ ...head, chunked: true }), { code: 'ERR_CONNECT_TARGET' })
})
