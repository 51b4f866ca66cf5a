import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test, describe } from 'node:test'
import { startForward } from '../support/forward/start-forward.ts'
import { startOrigin } from '../support/origin.ts'
import { requireProgram } from '../support/peers/require-program.ts'

function curl(...args: string[]): Promise<{ code: number; out: string; errors: string }> {
  return new Promise((resolve) => {
    execFile('curl', ['-sS', '--max-time', '5', '--noproxy', '', ...args], (error, out, errors) =>
      resolve({ code: Number(error?.code ?? 0), out, errors }),
    )
  })
}

describe('curl', () => {
  for (const option of ['--socks4', '--socks4a', '--socks5', '--socks5-hostname']) {
    test(`S2 ${option}`, async (t) => {
      if (!requireProgram(t, 'curl')) return
      const origin = await startOrigin(t)
      const proxy = await startForward(t)
      const { out, errors } = await curl(option, `127.0.0.1:${proxy.port}`, `http://localhost:${origin.port}/`)
      assert.equal(out, 'hello', errors)
      const [line] = await proxy.logged(1)
      assert.equal(line?.status, 200)
      assert.equal(line?.protocol, option.startsWith('--socks4') ? 'SOCKS4' : 'SOCKS5')
    })
  }
})
