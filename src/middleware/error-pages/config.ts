import { z } from 'zod'
import { choice, file, parsed } from '../../core/config-fields.ts'

const status = parsed('a status', (text) => {
  if (/^[45](?:\d\d|xx)$/.test(text)) return text
  throw new RangeError(`${JSON.stringify(text)} is not an error status: write 404, 4xx or 5xx`)
})

const page = z
  .strictObject({
    html: file().optional().describe('File with the page for browsers.'),
    json: file().optional().describe('File with the answer for programs.'),
  })
  .refine(({ html, json }) => html !== undefined || json !== undefined, 'one of `html` and `json` is needed')

/** Options of `errorPages`. */
export const errorPagesOptions = z
  .strictObject({
    pages: z
      .record(status, page)
      .refine((pages) => Object.keys(pages).length > 0, 'at least one page is needed')
      .describe(
        'Pages by status: `404`, or `4xx` and `5xx` for all others of their class. `{status}`, `{reason}`, `{code}` and `{requestId}` in them are filled in.',
      ),
    from: choice(['turnpike', 'upstream', 'all'])
      .default('turnpike')
      .describe("Whose error replies get another page: Turnpike's own, those of the upstream, or all."),
  })
  .describe('Gives error replies a page of your own.')
