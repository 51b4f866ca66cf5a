import { json, problem, type AdminEndpoint } from './answer.ts'

export const why: AdminEndpoint = {
  path: '/api/why/{id}',
  summary: 'What became of one of the last requests, by its id, and what would be decided today.',
  answer({ id }, port) {
    const request = port.find(id)
    if (request === null) {
      return problem(
        404,
        'NOT_FOUND',
        `No recent request has the id ${JSON.stringify(id)}. Only the last few thousand are known.`,
      )
    }
    return json({ request, explain: port.explain(request) })
  },
}
