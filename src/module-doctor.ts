import { CidrSet } from './core/address.ts'
import type { ChainQuestion } from './doors/goproxy/doctor/examine-chain.ts'
import type { ChainReport } from './doors/goproxy/doctor/chain-report.ts'
import { createEngine } from './engine/engine.ts'
import { realWorld } from './engine/real-world.ts'
import { Scope } from './engine/scope.ts'
import { SharedStates } from './engine/shared-states.ts'

export type { ChainQuestion } from './doors/goproxy/doctor/examine-chain.ts'
export type { ChainReport, Finding, Measured, MemberMeasurement, Replay } from './doors/goproxy/doctor/chain-report.ts'

/** Examines a chain of module proxies with an engine of its own, of which nothing is left when it resolves. */
export async function examineModuleChain(question: ChainQuestion): Promise<ChainReport> {
  const [{ examineChain }, { Direct }, { PooledHttpClient }, { PublicAddresses }] = await Promise.all([
    import('./doors/goproxy/doctor/examine-chain.ts'),
    import('./doors/goproxy/direct/direct.ts'),
    import('./engine/client/pooled-http-client.ts'),
    import('./policy/public-addresses.ts'),
  ])
  const world = realWorld()
  const services = createEngine({ world, observer: { routed() {}, finished() {} }, pseudonym: 'doctor' })
  const faults: unknown[] = []
  const onError = (error: unknown): void => void faults.push(error)
  const scope = new Scope({ world, ledger: services.ledger, states: new SharedStates(), onError })
  const http = new PooledHttpClient(services, '', scope)
  const { config } = question
  const guard = new PublicAddresses(
    question.settings === null ? config.guard.allow : new CidrSet(['0.0.0.0/0', '::/0']),
  )
  const direct = new Direct({ config, http, guard, parents: null, services, scope, folder: null })
  const examined = examineChain(question, { services, http, direct, signal: scope.signal })
  const report = await examined.finally(() => scope.close())
  if (faults.length > 0) throw new AggregateError(faults, 'The doctor did not end well.')
  return report
}
