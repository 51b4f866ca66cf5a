import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ConnectHandshake } from './connect-handshake.ts'
import { Socks4Handshake } from './socks4-handshake.ts'
import { Socks5Handshake } from './socks5-handshake.ts'
import { TunnelRefusal, type TunnelHandshake } from './tunnel-handshake.ts'

const target = { host: 'git.example', port: 443 }
const alice = { username: 'alice', password: 's:e cret' }

interface Talk {
  sent: string[]
  /** What was left for the target, or why there is no tunnel. */
  result: string
}

/** Plays the proxy's answers, each in pieces of `size` bytes; the next one comes when the one before was answered. */
function play(handshake: TunnelHandshake, answers: readonly Buffer[], size: number): Talk {
  const sent = [handshake.begin().toString('latin1')]
  try {
    for (const answer of answers) {
      for (let at = 0; at < answer.length; at += size) {
        const step = handshake.take(answer, at, Math.min(at + size, answer.length))
        if (step.open) return { sent, result: `open ${answer.toString('latin1', step.end)}` }
        if (step.send !== null) sent.push(step.send.toString('latin1'))
      }
    }
    return { sent, result: 'waiting' }
  } catch (error) {
    assert.ok(error instanceof TunnelRefusal)
    return { sent, result: `${error.kind} ${error.status}: ${error.message}` }
  }
}

const cases: [
  name: string,
  make: () => TunnelHandshake,
  answers: (string | number[])[],
  sent: string[],
  result: string,
][] = [
  [
    'F3 bytes behind the 2xx are the target’s',
    () => new ConnectHandshake(target, null),
    ['HTTP/1.1 200 Connection established\r\nContent-Length: 5\r\n\r\nhello'],
    ['CONNECT git.example:443 HTTP/1.1\r\nHost: git.example:443\r\n\r\n'],
    'open hello',
  ],
  [
    'an interim reply comes first; IPv6 stands in brackets',
    () => new ConnectHandshake({ host: '::1', port: 8443 }, alice),
    ['HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.0 204 \r\n\r\n'],
    ['CONNECT [::1]:8443 HTTP/1.1\r\nHost: [::1]:8443\r\nProxy-Authorization: Basic YWxpY2U6czplIGNyZXQ=\r\n\r\n'],
    'open ',
  ],
  ['407', () => new ConnectHandshake(target, null), ['HTTP/1.1 407 Who\r\n\r\n'], [], 'auth 502: it answers 407 Who'],
  ['504', () => new ConnectHandshake(target, null), ['HTTP/1.1 504 \r\n\r\n'], [], 'refused 504: it answers 504'],
  [
    'what is no HTTP',
    () => new ConnectHandshake(target, null),
    ['SSH-2.0-x\r\n\r\n'],
    [],
    'protocol 502: it does not answer as an HTTP proxy does',
  ],
  [
    'SOCKS5 without login, the name left to the proxy',
    () => new Socks5Handshake(target, null),
    [
      [5, 0],
      [5, 0, 0, 1, 127, 0, 0, 1, 0, 80, 104, 105],
    ],
    ['\u0005\u0001\u0000', `\u0005\u0001\u0000\u0003\u000bgit.example\u0001\u00bb`],
    'open hi',
  ],
  [
    'SOCKS5 with login and an address; the reply may have a name',
    () => new Socks5Handshake({ host: '10.0.0.7', port: 80 }, alice),
    [
      [5, 2],
      [1, 0],
      [5, 0, 0, 3, 2, 97, 98, 0, 80],
    ],
    [
      '\u0005\u0002\u0000\u0002',
      '\u0001\u0005alice\u0008s:e cret',
      '\u0005\u0001\u0000\u0001\n\u0000\u0000\u0007\u0000P',
    ],
    'open ',
  ],
  [
    'SOCKS5 to IPv6',
    () => new Socks5Handshake({ host: '::1', port: 80 }, null),
    [
      [5, 0],
      [5, 5, 0, 1, 0, 0, 0, 0, 0, 0],
    ],
    ['\u0005\u0001\u0000', `\u0005\u0001\u0000\u0004${'\u0000'.repeat(15)}\u0001\u0000P`],
    'refused 502: it answers 5: connection refused',
  ],
  [
    'SOCKS5 without a common way to log in',
    () => new Socks5Handshake(target, null),
    [[5, 255]],
    [],
    'auth 502: it accepts none of our ways to log in',
  ],
  [
    'SOCKS5 that wants what was not offered',
    () => new Socks5Handshake(target, null),
    [[5, 2]],
    [],
    'auth 502: it wants another way to log in',
  ],
  [
    'SOCKS5 that refuses the password',
    () => new Socks5Handshake(target, alice),
    [
      [5, 2],
      [1, 1],
    ],
    [],
    'auth 502: it does not take the user name and password',
  ],
  [
    'SOCKS5 that waited in vain',
    () => new Socks5Handshake(target, null),
    [
      [5, 0],
      [5, 6, 0, 1, 0, 0, 0, 0, 0, 0],
    ],
    [],
    'refused 504: it answers 6: TTL expired',
  ],
  [
    'what is no SOCKS5',
    () => new Socks5Handshake(target, null),
    ['HTTP/1.1 400'],
    [],
    'protocol 502: it does not answer as a SOCKS5 proxy does',
  ],
  [
    'SOCKS4A with a name',
    () => new Socks4Handshake(target, alice),
    [[0, 90, 0, 0, 0, 0, 0, 0, 104, 105]],
    ['\u0004\u0001\u0001\u00bb\u0000\u0000\u0000\u0001alice\u0000git.example\u0000'],
    'open hi',
  ],
  [
    'SOCKS4 with an address',
    () => new Socks4Handshake({ host: '10.0.0.7', port: 80 }, null),
    [[0, 91, 0, 0, 0, 0, 0, 0]],
    ['\u0004\u0001\u0000P\n\u0000\u0000\u0007\u0000'],
    'refused 502: it answers 91: rejected or failed',
  ],
  [
    'what is no SOCKS4',
    () => new Socks4Handshake(target, null),
    [[5, 0]],
    [],
    'protocol 502: it does not answer as a SOCKS4 proxy does',
  ],
]

describe('tunnels through other proxies, answers in every split', () => {
  for (const [name, make, answers, sent, result] of cases) {
    test(name, () => {
      const bytes = answers.map((answer) =>
        typeof answer === 'string' ? Buffer.from(answer, 'latin1') : Buffer.from(answer),
      )
      const whole = play(make(), bytes, Infinity)
      assert.equal(whole.result, result)
      if (sent.length > 0) assert.deepEqual(whole.sent, sent)
      // What is left for the target is left to the next pieces: in every split the rest of its own piece.
      for (const size of [1, 2, 3, 7]) {
        const split = play(make(), bytes, size)
        assert.deepEqual(split.sent, whole.sent, `pieces of ${size}`)
        assert.equal(split.result.split(' ', 1)[0], result.split(' ', 1)[0], `pieces of ${size}`)
      }
    })
  }

  test('SOCKS4 has no IPv6, SOCKS5 no names over 255 bytes', () => {
    assert.throws(() => new Socks4Handshake({ host: '::1', port: 1 }, null).begin(), TunnelRefusal)
    const long = new Socks5Handshake({ host: 'a'.repeat(256), port: 1 }, null)
    assert.throws(() => long.take(Buffer.from([5, 0]), 0, 2), TunnelRefusal)
  })
})
