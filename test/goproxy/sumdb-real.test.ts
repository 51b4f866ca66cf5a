import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { TurnpikeError } from '../../src/core/error.ts'
import { goproxySchema } from '../../src/doors/goproxy/config.ts'
import { MemoryDocuments } from '../../src/doors/goproxy/store/memory-documents.ts'
import { SumdbMirror } from '../../src/doors/goproxy/trust/sumdb-mirror.ts'
import { testScope } from '../support/goproxy/test-scope.ts'
import { requireProgram } from '../support/peers/require-program.ts'

process.env.PATH += ':/usr/local/go/bin'

test('G25 G26 what the go command keeps of sum.golang.org is verified with its known key, and kept', async (t) => {
  if (!requireProgram(t, 'go')) return
  const [cache = '', path = ''] = execFileSync('go', ['env', 'GOMODCACHE', 'GOPATH'], { encoding: 'utf8' }).split('\n')
  const kept = join(cache, 'cache/download/sumdb/sum.golang.org')
  const latest = join(path, 'pkg/sumdb/sum.golang.org/latest')
  if (!existsSync(kept) || !existsSync(latest)) return t.skip('the go command has looked nothing up on this machine')
  const { services, scope } = testScope(t)
  const documents = new MemoryDocuments(services.world)
  const mirror = (config: Record<string, unknown>): SumdbMirror => {
    const checked = goproxySchema.parse(config)
    return new SumdbMirror({
      config: { ...checked, sumdb: checked.sumdb! },
      services,
      scope,
      documents,
      isPrivate: () => false,
      async remote(asked) {
        const file = asked === '/latest' ? latest : join(kept, asked)
        if (!existsSync(file)) throw new TurnpikeError('ERR_MODULE_NOT_FOUND')
        return await readFile(file)
      },
    })
  }
  const lookups = readdirSync(join(kept, 'lookup'), { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.includes('@'),
  )
  assert.ok(lookups.length > 0)
  const online = mirror({})
  await online.serve('/latest', scope.signal)
  for (const name of lookups) await online.serve(`/lookup/${name}`, scope.signal)
  // Another process, which asks nobody.
  const offline = mirror({ offline: true })
  for (const name of lookups) {
    const { bytes } = await offline.serve(`/lookup/${name}`, scope.signal)
    const record = await readFile(join(kept, 'lookup', name))
    assert.deepEqual(bytes.subarray(0, bytes.indexOf('\n\n')), record.subarray(0, record.indexOf('\n\n')), name)
  }
})
