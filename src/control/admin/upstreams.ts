import { json, type AdminEndpoint } from './answer.ts'

export const upstreams: AdminEndpoint = {
  path: '/api/upstreams',
  summary: 'Upstreams with their endpoints, and the state of those.',
  answer: (_ask, port) => json({ upstreams: port.upstreams() }),
}
