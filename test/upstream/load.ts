import { Agent, request } from 'node:http'

/** What a client got: a status, or an error's code. */
export type Outcome = number | string

export interface LoadOptions {
  /** Requests at a time, each on a connection of its own. */
  clients: number
  /** Looked at before each request. */
  goesOn: (sent: number) => boolean
  method?: string
}

/** Steady load from node:http clients that keep their connections; resolves with how often each outcome came. */
export async function load(
  port: number,
  { clients, goesOn, method = 'GET' }: LoadOptions,
): Promise<Map<Outcome, number>> {
  const agent = new Agent({ keepAlive: true, maxSockets: clients })
  const outcomes = new Map<Outcome, number>()
  let sent = 0
  const client = async (): Promise<void> => {
    while (goesOn(sent)) {
      sent++
      const outcome = await once(port, agent, method)
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
    }
  }
  await Promise.all(Array.from({ length: clients }, () => client()))
  agent.destroy()
  return outcomes
}

function once(port: number, agent: Agent, method: string): Promise<Outcome> {
  return new Promise((resolve) => {
    const asked = request(
      { port, host: '127.0.0.1', agent, method, path: '/', headers: { host: 'a.test' } },
      (reply) => {
        reply.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'error'))
        reply.on('end', () => resolve(reply.statusCode ?? 0))
        reply.resume()
      },
    )
    asked.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'error'))
    asked.end()
  })
}
