import { json, type AdminEndpoint } from './answer.ts'

/** Lists the endpoints, itself among them. */
export function indexList(endpoints: readonly AdminEndpoint[]): AdminEndpoint {
  return {
    path: '/api',
    summary: 'This list.',
    answer: (_ask, port) =>
      json({
        version: port.version,
        endpoints: endpoints.map(({ path, method = 'GET', summary }) => ({ path, method, summary })),
      }),
  }
}
