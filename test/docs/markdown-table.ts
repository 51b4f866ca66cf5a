import { readFileSync } from 'node:fs'
import path from 'node:path'

const root = path.resolve(import.meta.dirname, '../..')

/** The text of a page under `docs/reference/`. */
export function referencePage(name: string): string {
  return readFileSync(path.join(root, 'docs/reference', name), 'utf8')
}

/** The rows of every table whose first column is called `head`: cells as they stand, without the code marks of the first. */
export function tableRows(page: string, head: string): string[][] {
  const rows: string[][] = []
  let inside = false
  for (const line of page.split('\n')) {
    if (!line.startsWith('|')) {
      inside = false
      continue
    }
    const cells = line
      .slice(1, line.lastIndexOf('|'))
      .split('|')
      .map((cell) => cell.trim())
    if (cells[0] === head) inside = true
    else if (inside && !/^-+$/.test(cells[0]!)) rows.push([cells[0]!.replaceAll('`', ''), ...cells.slice(1)])
  }
  return rows
}
