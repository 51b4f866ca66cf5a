import { json, type AdminEndpoint } from './answer.ts'

export const generations: AdminEndpoint = {
  path: '/api/generations',
  summary: 'The config that serves and since when, what still drains, and what became of the last reload.',
  answer(_ask, port) {
    const { reloads, ledger } = port
    const { revision } = port.config()
    return json({
      current: { generation: reloads.generation, revision, since: new Date(reloads.since).toISOString() },
      draining: Math.max(0, ledger.count('generations') - 1),
      lastReload: reloads.last === null ? null : { ...reloads.last, at: new Date(reloads.last.at).toISOString() },
      reloads: reloads.counts,
    })
  },
}
