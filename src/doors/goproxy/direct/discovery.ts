import { TurnpikeError } from '../../../core/error.ts'
import { readGoImports, type GoImport } from '../../../gomod/go-import.ts'
import { giveUp, type GuardedWeb, type WebReply } from './guarded-web.ts'
import { ModuleAbsence } from './module-absence.ts'

/** The tags stand in the page's head; what follows so late is not read. */
const MAX_PAGE_BYTES = 1024 * 1024

interface Page {
  url: URL
  status: number
  imports: GoImport[]
}

/**
 * Asks the host of a module path where its code is: `go-import` tags of `https://PATH?go-get=1` (G18;
 * cmd/go/internal/vcs, repoRootForImportDynamic). A page that speaks for a shorter path is believed only where that
 * path's own page says the same.
 */
export class Discovery {
  private readonly web: GuardedWeb

  constructor(web: GuardedWeb) {
    this.web = web
  }

  /** `insecure`: plain http is tried where https fails. Rejects with a ModuleAbsence where nobody speaks for the path. */
  async find(module: string, insecure: boolean, signal: AbortSignal): Promise<GoImport> {
    const page = await this.page(module, insecure, signal)
    const found = matching(page, module)
    if (found.prefix !== module) {
      const root = await this.page(found.prefix, insecure, signal)
      const confirmed = root.imports.some((each) => sameImport(each, found))
      if (!confirmed || !sameImport(matching(root, module), found)) {
        throw unrecognised(
          module,
          `${shown(page.url)} and ${shown(root.url)} disagree about go-import for ${found.prefix}`,
        )
      }
    }
    const { subdirectory } = found
    if (/^[/-]/.test(subdirectory)) {
      const problem = subdirectory.startsWith('/') ? 'leading slash' : 'leading hyphen'
      throw unrecognised(module, `${shown(page.url)}: invalid subdirectory ${JSON.stringify(subdirectory)}: ${problem}`)
    }
    return found
  }

  private async page(path: string, insecure: boolean, signal: AbortSignal): Promise<Page> {
    const [host = '', ...rest] = path.split('/')
    if (!host.includes('.')) throw unrecognised(path, 'import path does not begin with hostname')
    const url = new URL(`https://${host}/${rest.join('/')}?go-get=1`)
    const got = await this.get(url, insecure, signal)
    const imports = await importsOf(got, path)
    if (imports.length > 0 || got.status === 200) return { url: got.url, status: got.status, imports }
    const status = `reading ${shown(got.url)}: ${got.status}`
    if (got.status === 404 || got.status === 410) throw unrecognised(path, status)
    throw new TurnpikeError('ERR_MODULE_VCS', {
      message: `unrecognized import path ${JSON.stringify(path)}: ${status}`,
    })
  }

  private async get(url: URL, insecure: boolean, signal: AbortSignal): Promise<WebReply> {
    if (!insecure) return this.web.get(url, false, signal)
    try {
      const got = await this.web.get(url, true, signal)
      if (got.status === 200) return got
      await giveUp(got.reply)
    } catch (error) {
      if (!(error instanceof TurnpikeError) || error.code === 'ERR_ADDRESS_FORBIDDEN') throw error
    }
    const plain = new URL(url)
    plain.protocol = 'http:'
    return this.web.get(plain, true, signal)
  }
}

/** The one tag that speaks for the path; `mod` before others (matchGoImport). */
function matching({ url, imports }: Page, module: string): GoImport {
  const matches = imports.filter(({ prefix }) => module === prefix || module.startsWith(`${prefix}/`))
  const [first, second] = matches
  if (first === undefined) {
    const others = imports.map(({ prefix }) => `meta tag ${prefix} did not match import path ${module}`).join(', ')
    throw unrecognised(module, `parse ${shown(url)}: no go-import meta tags (${others})`)
  }
  if (second !== undefined && !(first.vcs === 'mod' && second.vcs !== 'mod')) {
    throw unrecognised(module, `parse ${shown(url)}: multiple meta tags match import path ${JSON.stringify(module)}`)
  }
  return first
}

async function importsOf({ reply, url }: WebReply, path: string): Promise<GoImport[]> {
  const pieces: Buffer[] = []
  let size = 0
  for await (const piece of reply.body) {
    pieces.push(piece)
    size += piece.length
    if (size > MAX_PAGE_BYTES) break
  }
  try {
    return readGoImports(Buffer.concat(pieces).toString())
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    if (reply.status !== 200) return []
    throw unrecognised(path, `parsing ${shown(url)}: ${error.message}`)
  }
}

function sameImport(a: GoImport, b: GoImport): boolean {
  return a.prefix === b.prefix && a.vcs === b.vcs && a.root === b.root && a.subdirectory === b.subdirectory
}

function unrecognised(path: string, why: string): ModuleAbsence {
  return new ModuleAbsence(`unrecognized import path ${JSON.stringify(path)}: ${why}`, 'module')
}

/** Without the credentials that a redirect may have put in. */
function shown(url: URL): string {
  return `${url.protocol}//${url.host}${url.pathname}${url.search}`
}
