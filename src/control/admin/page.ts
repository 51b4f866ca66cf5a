import { createHash } from 'node:crypto'
import { readSummary } from '../summary.ts'
import type { AdminEndpoint } from './answer.ts'

const style = `body{font:16px/1.5 system-ui,sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}
table{border-collapse:collapse}td,th{padding:.2rem 1.5rem .2rem 0;text-align:left;font-weight:normal}td{font-variant-numeric:tabular-nums}`
const styleHash = createHash('sha256').update(style).digest('base64')

/** The page for people: the numbers of the moment and where to read on. It loads nothing and runs nothing. */
export function page(endpoints: readonly AdminEndpoint[]): AdminEndpoint {
  return {
    path: '/',
    summary: 'A page for people.',
    async answer(_ask, port) {
      const { uptimeSeconds, requests, eventLoopDelayMs, memory, connections } = await readSummary(port)
      const reasons = port.readiness()
      const numbers: [string, string][] = [
        ['State', reasons.length === 0 ? 'ready' : `not ready: ${reasons.join(', ')}`],
        ['Up for', `${Math.floor(uptimeSeconds)} s`],
        ['Requests', `${requests.total}, ${requests.inFlight} in flight`],
        ['Answered with 5xx', `${(requests.errorRate * 100).toFixed(2)} %`],
        ['Duration', `p50 ${requests.p50Ms.toFixed(1)} ms, p99 ${requests.p99Ms.toFixed(1)} ms`],
        ['Client connections', `${connections.open}`],
        ['Event loop delay', `p99 ${eventLoopDelayMs.p99.toFixed(1)} ms`],
        ['Memory', `${(memory.residentBytes / 1024 / 1024).toFixed(0)} MiB resident`],
      ]
      const rows = numbers.map(([name, value]) => `<tr><th>${name}</th><td>${escapeHtml(value)}</td></tr>`)
      const links = endpoints.map(({ path, method, summary }) =>
        path.includes('{') || method !== undefined
          ? `<li>${escapeHtml(`${method ?? ''} ${path}`.trim())}: ${escapeHtml(summary)}</li>`
          : `<li><a href="${escapeHtml(path)}">${escapeHtml(path)}</a>: ${escapeHtml(summary)}</li>`,
      )
      return {
        status: 200,
        type: 'text/html; charset=utf-8',
        headers: {
          'Content-Security-Policy': `default-src 'none'; style-src 'sha256-${styleHash}'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'`,
        },
        body: `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="refresh" content="5">
<title>Turnpike</title>
<style>${style}</style>
<h1>Turnpike ${escapeHtml(port.version)}</h1>
<table>
${rows.join('\n')}
</table>
<ul>
${links.join('\n')}
</ul>
</html>
`,
      }
    },
  }
}

function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`)
}
