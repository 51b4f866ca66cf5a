import assert from 'node:assert/strict'
import { test } from 'node:test'
import { reload } from '../../src/cli/reload.ts'
import { status } from '../../src/cli/status.ts'
import { answeringConfig, startRunning } from './running.ts'

async function ran(
  command: typeof reload,
  args: string[],
  cwd: string,
): Promise<{ code: number; out: string; err: string }> {
  let out = ''
  let err = ''
  const io = {
    cwd,
    env: {},
    stdout: { write: (text: string) => (out += text) },
    stderr: { write: (text: string) => (err += text) },
  }
  return { code: await command(args, io), out, err }
}

const config = (body: string): string =>
  answeringConfig(body).replace('admin: off', 'admin: { address: "127.0.0.1:0" }')

test('W4 W11 turnpike reload says what became of it, turnpike status what serves', async (t) => {
  const { turnpike, folder, write } = await startRunning(t, { 'turnpike.yaml': config('one') })
  const { adminAddress } = turnpike
  const at = ['--admin', `127.0.0.1:${adminAddress?.kind === 'tcp' ? adminAddress.port : 0}`]
  const same = await ran(reload, at, folder)
  assert.deepEqual([same.code, same.err], [0, ''])
  assert.match(same.out, /^The config has not changed: revision [0-9a-f]{16}, /)
  write('turnpike.yaml', config('two'))
  const changed = await ran(reload, at, folder)
  assert.equal(changed.code, 0)
  assert.ok(changed.out.startsWith(`The config serves now: revision ${turnpike.loaded.revision}, `), changed.out)
  write('turnpike.yaml', config('three').replace('respond', 'respnod'))
  const refused = await ran(reload, at, folder)
  assert.equal(refused.code, 1)
  assert.match(refused.out, /^turnpike\.yaml:4:20: .*respnod.*\[ERR_CONFIG_UNKNOWN_KEY\]\n/m)
  assert.match(refused.err, /serves on/)
  const now = await ran(status, at, folder)
  assert.equal(now.code, 0)
  assert.match(now.out, /^state +ready\nconfig +revision [0-9a-f]{16}, generation 2, since .*\nreload +refused at /)
  const asJson: unknown = JSON.parse((await ran(status, [...at, '--json'], folder)).out)
  assert.match(JSON.stringify(asJson), /"ready":true.*"generation":2/)
  turnpike.draining = true
  const draining = await ran(status, at, folder)
  assert.deepEqual([draining.code, draining.out.split('\n')[0]], [1, 'state     not ready: draining'])
})
