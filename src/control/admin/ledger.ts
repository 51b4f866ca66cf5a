import { json, type AdminEndpoint } from './answer.ts'

export const ledger: AdminEndpoint = {
  path: '/api/ledger',
  summary: 'Everything that is alive and must be released, by kind: how many now, and ever.',
  answer: (_ask, port) => json({ ledger: port.ledger.snapshot() }),
}
