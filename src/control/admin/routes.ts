import { json, type AdminEndpoint } from './answer.ts'

export const routes: AdminEndpoint = {
  path: '/api/routes',
  summary: 'Routes, in the order in which they are tried.',
  answer: (_ask, port) => json({ routes: port.routes() }),
}
