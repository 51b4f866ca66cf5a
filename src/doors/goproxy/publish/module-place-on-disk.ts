import { readFile, stat } from 'node:fs/promises'
import { dirname, join, relative, sep } from 'node:path'
import { TurnpikeError } from '../../../core/error.ts'
import { readGoMod } from '../../../gomod/go-mod-file.ts'
import { checkModulePath, splitPathVersion } from '../../../gomod/module-path.ts'

/** A module in a folder of this machine. */
export interface ModuleOnDisk {
  module: string
  folder: string
  /** The git work tree that it is in, and the module path that stands for it; null where there is none. */
  repository: { folder: string; root: string } | null
}

/** Finds out what module a folder has. Rejects with ERR_MODULE_INVALID where it has none. */
export async function moduleOnDisk(folder: string): Promise<ModuleOnDisk> {
  const file = join(folder, 'go.mod')
  const text = await readFile(file, 'utf8').catch(() => {
    throw invalid(`${file} cannot be read: a module's folder has a go.mod.`)
  })
  const { module } = readGoMod(text)
  if (module === null) throw invalid(`${file} names no module.`)
  const wrong = checkModulePath(module)
  if (wrong !== null) throw invalid(`${file}: ${JSON.stringify(module)} is no module path: ${wrong}.`)
  const top = await workTreeOf(folder)
  if (top === null) return { module, folder, repository: null }
  return { module, folder, repository: { folder: top, root: rootOf(module, relative(top, folder)) } }
}

/** The folder above, or this one, that has `.git`: a folder, or a file in linked work trees and submodules. */
async function workTreeOf(folder: string): Promise<string | null> {
  for (let at = folder; ; at = dirname(at)) {
    if (await stat(join(at, '.git')).catch(() => null)) return at
    if (dirname(at) === at) return null
  }
}

/** A module in a folder of its repository is named by that folder (G15); its major version may have a folder of its own. */
function rootOf(module: string, below: string): string {
  const { prefix, pathMajor } = splitPathVersion(module)!
  const slashed = below.split(sep).join('/')
  const folder = pathMajor.startsWith('/') ? slashed.replace(new RegExp(`(?:^|/)${pathMajor.slice(1)}$`), '') : slashed
  // A module of the root keeps gopkg.in's `.v2`: that is the repository's own name.
  if (folder === '') return pathMajor.startsWith('.') ? module : prefix
  if (prefix.endsWith(`/${folder}`)) return prefix.slice(0, -folder.length - 1)
  throw invalid(`${module} is in the folder ${folder} of its repository, where no go command would look for it.`)
}

function invalid(message: string): TurnpikeError {
  return new TurnpikeError('ERR_MODULE_INVALID', { message })
}
