import type { FlowFeed } from '../control-port.ts'
import { json, problem, type AdminEndpoint, type LiveBody } from './answer.ts'

export const flows: AdminEndpoint = {
  path: '/api/flows',
  summary: 'What passes the forward proxy, as it is recorded: the last flows, or each as it ends (text/event-stream).',
  answer({ accept }, port) {
    const feed = port.flows()
    if (/(?:^|,)\s*text\/event-stream\s*(?:[;,]|$)/i.test(accept ?? '')) {
      if (feed === null) return problem(404, 'NOT_RECORDED', 'Nothing is recorded: the config has no forward.record.')
      return { status: 200, type: 'text/event-stream', body: events(feed) }
    }
    if (feed === null) return json({ flows: null })
    return { status: 200, type: 'application/json', body: list(feed.recent) }
  },
}

function* list(entries: readonly string[]): Generator<string> {
  yield '{"flows":['
  for (const [at, entry] of [...entries].entries()) yield at === 0 ? `\n${entry}` : `,\n${entry}`
  yield ']}\n'
}

/** https://html.spec.whatwg.org/multipage/server-sent-events.html: an entry is one line. */
function events(feed: FlowFeed): LiveBody {
  return {
    start(reader) {
      for (const entry of feed.recent) reader.send(eventOf(entry))
      return feed.watch({ flow: (entry) => reader.send(eventOf(entry)), ended: () => reader.end() })
    },
  }
}

function eventOf(entry: string): string {
  return `event: flow\ndata: ${entry}\n\n`
}
