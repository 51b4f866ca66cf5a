import { json, problem, type AdminEndpoint } from './answer.ts'

export const reload: AdminEndpoint = {
  path: '/api/reload',
  method: 'POST',
  summary: 'Reads the config again: 200 where it serves, 422 where it is refused and the one before serves on.',
  async answer(_ask, port) {
    const reloading = port.reload()
    if (reloading === null)
      return problem(409, 'NO_SOURCE', 'This config came from no file: there is nothing to read again.')
    const report = await reloading
    return json(report, report.result === 'refused' ? 422 : 200)
  },
}
