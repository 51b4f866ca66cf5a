import { json, type AdminEndpoint } from './answer.ts'

export const modules: AdminEndpoint = {
  path: '/api/modules',
  summary: 'The module proxy: members of its chain with their health, its store, its checksum databases.',
  answer: async (_ask, port) => json({ modules: await port.modules() }),
}
