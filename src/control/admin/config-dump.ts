import { redacted } from '../redacted.ts'
import { json, type AdminEndpoint } from './answer.ts'

export const configDump: AdminEndpoint = {
  path: '/api/config',
  summary: 'The config as it runs, with its revision; secrets are hidden.',
  answer(_ask, port) {
    const { revision, source, loadedAt, tree } = port.config()
    return json({ revision, source, loadedAt: new Date(loadedAt).toISOString(), ...redacted({ config: tree }) })
  },
}
