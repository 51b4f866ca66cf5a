import { json, type AdminEndpoint } from './answer.ts'

export const ready: AdminEndpoint = {
  path: '/ready',
  summary: 'Whether traffic should be sent here: 200, or 503 with the reasons why not.',
  answer(_ask, port) {
    const reasons = port.readiness()
    return reasons.length === 0 ? json({ status: 'ready' }) : json({ status: 'not ready', reasons }, 503)
  },
}
