import assert from 'node:assert/strict'
import { test } from 'node:test'
import { importedModules } from '../../src/config/module-graph.ts'
import { ask, get } from '../support/raw-client.ts'
import { answeringConfig, startRunning } from './running.ts'

const own = `import { defineMiddleware } from 'turnpike'
import { z } from 'zod'
import { word } from './word.ts'

export default defineMiddleware({
  name: 'own',
  options: z.object({}),
  create: () => ({ response: ({ response }) => response!.headers.set('x-word', word) }),
})
`

const withLimit = (body: string, rate: string): string =>
  answeringConfig(body).replace('gateway:\n', `gateway:\n  use: [{ rateLimit: { rate: ${rate} } }]\n`)

const withOwn = (more = ''): string =>
  answeringConfig('hello').replace('gateway:\n', `gateway:\n  use: [./own.ts]\n${more}`)

test('W11 a middleware of one\u2019s own, and what it imports, are watched and take effect; what is broken changes nothing', async (t) => {
  const running = await startRunning(t, {
    'turnpike.yaml': withOwn(),
    'own.ts': own,
    'word.ts': "export const word = 'one'\n",
  })
  const word = async (): Promise<string | undefined> => (await ask(running.port, get())).field('x-word')
  assert.equal(await word(), 'one')

  running.write('word.ts', "export const word = 'two'\n")
  assert.equal((await running.reloads(1)).result, 'applied')
  assert.equal(await word(), 'two')

  running.write('own.ts', own.replace("'x-word', word", "'x-word', word + '!'"))
  assert.equal((await running.reloads(2)).result, 'applied')
  assert.equal(await word(), 'two!')

  running.write('word.ts', 'export const word = (\n')
  const refused = await running.reloads(3)
  assert.equal(refused.result, 'refused')
  assert.match(JSON.stringify(refused), /own\.ts cannot be loaded: word\.ts:\d+:\d+/)
  assert.equal(await word(), 'two!', 'the last good one serves')

  running.write('word.ts', "export const word = 'three'\n")
  assert.equal((await running.reloads(4)).result, 'applied')
  assert.equal(await word(), 'three!')

  const { ledger } = running.turnpike.services
  assert.equal(ledger.count('modules'), importedModules())
  running.write('turnpike.yaml', withOwn('  # the same otherwise\n'))
  const before = importedModules()
  await running.reloads(5)
  assert.equal(importedModules(), before, 'unchanged modules are not imported again')
})

test('a rate limit remembers over a reload, unless it is another one', async (t) => {
  const running = await startRunning(t, { 'turnpike.yaml': withLimit('one', '2/h') })
  const status = async (): Promise<number> => (await ask(running.port, get())).status
  assert.equal(await status(), 200)
  running.write('turnpike.yaml', withLimit('two', '2/h'))
  await running.reloads(1)
  assert.deepEqual([await status(), await status()], [200, 429])
  const limited = (): number[] => [...running.turnpike.services.middlewareEvents].map(({ count }) => count)
  assert.deepEqual(limited(), [1])
  running.write('turnpike.yaml', withLimit('two', '3/h'))
  await running.reloads(2)
  assert.equal(await status(), 200)
  assert.deepEqual(limited(), [1], 'its count goes on')
  running.write('turnpike.yaml', answeringConfig('none'))
  await running.reloads(3)
  // W18: the count of what was removed goes with the last generation that had it.
  while (limited().length > 0) await new Promise((resolve) => setTimeout(resolve, 2))
})
