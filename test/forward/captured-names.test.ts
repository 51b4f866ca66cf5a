import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { captureHello } from '../support/forward/capture-hello.ts'
import { startForward } from '../support/forward/start-forward.ts'
import type { TestGateway } from '../support/gateway.ts'
import { requireProgram } from '../support/peers/require-program.ts'

/** Null where the system gives no such listener: it takes a privilege. */
async function startCapturing(t: TestContext): Promise<TestGateway | null> {
  const listener = { mode: 'tproxy', auth: 'off', allowFrom: ['127.0.0.0/8'] } as const
  try {
    return await startForward(t, {}, { listener: { ...listener, allowFrom: [...listener.allowFrom] } })
  } catch (error) {
    if (process.env.CI === 'true') throw error
    t.skip(`no transparent listener here: ${String(error)}`)
    return null
  }
}

test('T4 where a captured connection was going is dialled only where its name is there; else the name is', async (t) => {
  if (!requireProgram(t, 'openssl')) return
  const proxy = await startCapturing(t)
  if (proxy === null) return
  // The connections were going to the listener itself, which the guard never lets anybody reach.
  for (const name of ['localhost', 'elsewhere.invalid']) {
    const hello = await captureHello((port) => [
      'openssl',
      's_client',
      '-connect',
      `127.0.0.1:${port}`,
      '-servername',
      name,
    ])
    const client = await proxy.connect()
    client.send(hello)
    await client.over()
  }
  const lines = await proxy.logged(2)
  assert.deepEqual(
    lines.map(({ endpoint, cause }) => [endpoint, cause]),
    [
      [`127.0.0.1:${proxy.port}`, 'ERR_ADDRESS_FORBIDDEN'],
      [`elsewhere.invalid:${proxy.port}`, 'ERR_DNS'],
    ],
  )
})
