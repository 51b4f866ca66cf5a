import type { HarContent } from './har.ts'
import type { RecordedFlow } from './replay-request.ts'

/** What is in a text where a secret was left out: `redactJson` puts quotes around what had none. */
const redacted = /"?\[redacted\]"?/

/** How a reply differs from the recorded one; '' for not at all. A body is compared where it was recorded whole. */
export function compareReplies(
  recorded: RecordedFlow['response'],
  reply: { status: number; content: Pick<HarContent, 'text' | 'encoding' | '_truncated'> },
  withBodies: boolean,
): string {
  if (recorded.status !== reply.status) return 'status'
  const { content } = recorded
  if (!withBodies || content.text === undefined || content['_truncated'] === true) return ''
  if (reply.content['_truncated'] === true) return 'body: longer than what is compared'
  const [was, is] = [bytesOf(content), bytesOf(reply.content)]
  if (was.equals(is) || (content.encoding !== 'base64' && matches(content.text, is.toString('utf8')))) return ''
  let at = 0
  while (at < was.length && was[at] === is[at]) at++
  return `body: from byte ${at} on; ${is.length} bytes, recorded were ${was.length}`
}

function bytesOf({ text = '', encoding }: RecordedFlow['response']['content']): Buffer {
  return Buffer.from(text, encoding === 'base64' ? 'base64' : 'utf8')
}

/** Whether a text is the recorded one with anything in place of the secrets that were left out of it. */
function matches(recorded: string, text: string): boolean {
  const [first = '', ...rest] = recorded.split(redacted)
  const last = rest.pop()
  if (last === undefined || !text.startsWith(first)) return false
  let at = first.length
  for (const piece of rest) {
    const found = text.indexOf(piece, at)
    if (found < 0) return false
    at = found + piece.length
  }
  return text.length - last.length >= at && text.endsWith(last)
}
