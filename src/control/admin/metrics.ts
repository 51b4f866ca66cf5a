import { contentTypes, negotiateFormat } from '../exposition.ts'
import { readProcessFacts } from '../process-facts.ts'
import { prometheusText } from '../prometheus.ts'
import type { AdminEndpoint } from './answer.ts'

export const metrics: AdminEndpoint = {
  path: '/metrics',
  summary: 'Metrics as Prometheus or OpenMetrics text, by the Accept field.',
  async answer({ accept }, port) {
    const format = negotiateFormat(accept)
    const facts = await readProcessFacts(() => port.wallClock())
    return {
      status: 200,
      type: contentTypes[format],
      body: prometheusText(port, facts, format),
      headers: { Vary: 'Accept' },
    }
  },
}
