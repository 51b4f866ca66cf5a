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
  /** Pieces where the whole would be big; a stream where there is no whole. */
  body: string | Iterable<string> | LiveBody
  headers?: Readonly<Record<string, string>>
}

/** A body that goes on for as long as somebody reads it. */
export interface LiveBody {
  /** Called once. What is returned is called when nobody reads any more. */
  start(reader: LiveReader): () => void
}

/** Who reads it. One that is too slow is let go of. */
export interface LiveReader {
  send(text: string): void
  /** There is no more. */
  end(): void
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
