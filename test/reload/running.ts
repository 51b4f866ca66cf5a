import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { loadConfig } from '../../src/config/load.ts'
import type { ReloadAttempt } from '../../src/control/reload-history.ts'
import { loadOffLoop } from '../../src/load-off-loop.ts'
import { Turnpike } from '../../src/turnpike.ts'
import { assertLedgerBaseline } from '../support/gateway.ts'

/** A Turnpike that runs from files, as `turnpike run` runs it. */
export interface Running {
  turnpike: Turnpike
  folder: string
  port: number
  /** What the operational log said. */
  said: { level: string; message: string; fields: Record<string, unknown> }[]
  write: (file: string, text: string) => void
  /** Resolves with the last reload once so many are over. */
  reloads: (count: number) => Promise<ReloadAttempt>
}

const PATIENCE_MS = 60_000

/** Writes `files` into a folder of its own and runs its `turnpike.yaml`. It ends with the test, and leaves nothing. */
export async function startRunning(t: TestContext, files: Record<string, string>): Promise<Running> {
  const folder = mkdtempSync(join(tmpdir(), 'turnpike-reload-'))
  for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text)
  return runFolder(t, folder)
}

/** Runs the `turnpike.yaml` of a folder, which goes with the test. */
export async function runFolder(t: TestContext, folder: string): Promise<Running> {
  const said: Running['said'] = []
  const say =
    (level: string) =>
    (message: string, fields: Record<string, unknown> = {}): void => {
      said.push({ level, message, fields })
    }
  const logger = { error: say('error'), warn: say('warn'), info: say('info'), debug: say('debug') }
  const turnpike = await Turnpike.start(await loadConfig('turnpike.yaml', { cwd: folder, env: {} }), {
    logger,
    load: (context) => loadOffLoop('turnpike.yaml', { cwd: folder, env: {} }, context),
  })
  turnpike.watch()
  t.after(async () => {
    await turnpike.stop(0)
    await assertLedgerBaseline(turnpike)
    const { ledger } = turnpike.services
    for (const kind of ['watches', 'workers', 'generations', 'scopes', 'sharedStates', 'listeners'] as const) {
      if (ledger.count(kind) !== 0) throw new Error(`the ledger holds ${ledger.count(kind)} ${kind}`)
    }
    rmSync(folder, { recursive: true, force: true })
  })
  const bound = [...turnpike.addresses.values()][0]!
  return {
    turnpike,
    folder,
    said,
    port: bound.kind === 'tcp' ? bound.port : 0,
    write: (file, text) => writeFileSync(join(folder, file), text),
    async reloads(count) {
      const { history } = turnpike
      const start = performance.now()
      for (;;) {
        const { applied, unchanged, refused } = history.counts
        if (applied + unchanged + refused >= count) return history.last!
        if (performance.now() - start > PATIENCE_MS) throw new Error(`waited for ${count} reloads`)
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
    },
  }
}

/** One listener on any port, no admin address, and these routes. */
export function answeringConfig(body: string, more = ''): string {
  return `listeners: { web: { address: "127.0.0.1:0", door: gateway } }
gateway:
  routes:
    - { name: all, respond: { body: ${JSON.stringify(body)} } }
log: { access: off }
admin: off
${more}`
}
