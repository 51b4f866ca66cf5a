import { readSummary } from '../summary.ts'
import { json, type AdminEndpoint } from './answer.ts'

export const healthMetrics: AdminEndpoint = {
  path: '/health/metrics',
  summary: 'The numbers that matter most, as JSON.',
  answer: async (_ask, port) => json(await readSummary(port)),
}
