import { json, type AdminEndpoint } from './answer.ts'

export const health: AdminEndpoint = {
  path: '/health',
  summary: 'Whether the process is alive: 200 as long as it can answer at all.',
  answer: () => json({ status: 'alive' }),
}
