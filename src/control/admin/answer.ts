import type { ControlPort } from '../control-port.ts'

/** What an endpoint is asked. */
export interface Ask {
  /** What stands in the path for `{id}`, decoded; '' where the endpoint has none. */
  id: string
  accept: string | undefined
}

export interface Answer {
  status: number
  type: string
  /** Pieces where the whole would be big. */
  body: string | Iterable<string>
  headers?: Readonly<Record<string, string>>
}

/** One address of the admin API. */
export interface AdminEndpoint {
  /** Exact, or with `{id}` as the last segment. */
  path: string
  summary: string
  /** GET, with HEAD, where absent; what changes anything is asked with POST. */
  method?: 'POST'
  answer(ask: Ask, port: ControlPort): Answer | Promise<Answer>
}

export function json(value: unknown, status = 200): Answer {
  return { status, type: 'application/json', body: `${JSON.stringify(value, null, 2)}\n` }
}

/** An error as JSON. `code` is stable, for programs; `message` is for people. */
export function problem(status: number, code: string, message: string): Answer {
  return json({ error: { code, message } }, status)
}
