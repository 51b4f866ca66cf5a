import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { syntheticGoMod } from '../../../src/gomod/go-mod-file.ts'
import { goModH1 } from '../../../src/gomod/hash1.ts'
import { escapePath } from '../../../src/gomod/module-path.ts'
import { escapeVersion, sortVersions } from '../../../src/gomod/version.ts'
import { isPseudoVersion } from '../../../src/gomod/pseudo-version.ts'
import { buildModuleZip } from '../../../src/gomod/zip/build-zip.ts'
import { memoryFile } from '../../../src/gomod/zip/memory-file.ts'
import type { SourceFile } from '../../../src/gomod/zip/module-files.ts'

/** A version of a module with everything that a proxy serves of it. */
export interface ModuleFixture {
  module: string
  version: string
  info: Buffer
  mod: Buffer
  zip: Buffer
  /** `h1:…` of the zip's contents. */
  h1: string
  /** `h1:…` of the go.mod. */
  modH1: string
}

export interface FixtureOptions {
  /** Contents by path. A go.mod is added where there is none. Default: one Go file. */
  files?: Readonly<Record<string, string | Buffer>>
  /** RFC 3339. Default: 2024-02-03T04:05:06Z. */
  time?: string
  /** Whether it has no go.mod, as modules of before modules. Default: it has one. */
  withoutGoMod?: boolean
}

/** Makes a version that the go command takes. */
export async function makeModule(
  module: string,
  version: string,
  options: FixtureOptions = {},
): Promise<ModuleFixture> {
  const { files = {}, time = '2024-02-03T04:05:06Z', withoutGoMod = false } = options
  const name = module.replace(/\/v[0-9]+$|\.v[0-9]+$/, '').replace(/^.*\//, '')
  const packageName = name.replaceAll(/[^a-z0-9]/gi, '').toLowerCase()
  const all: Record<string, string | Buffer> = {
    ...(withoutGoMod ? {} : { 'go.mod': `module ${module}\n\ngo 1.21\n` }),
    ...(Object.keys(files).length === 0
      ? { [`${packageName}.go`]: `package ${packageName}\n\nconst Version = ${JSON.stringify(version)}\n` }
      : files),
  }
  const pieces: Buffer[] = []
  const built = await buildModuleZip({ module, version, files: sourceFiles(all) }, (bytes) => {
    pieces.push(bytes)
    return Promise.resolve()
  })
  const mod = built.mod ?? Buffer.from(syntheticGoMod(module))
  const info = Buffer.from(JSON.stringify({ Version: version, Time: time }))
  return { module, version, info, mod, zip: Buffer.concat(pieces), h1: built.h1, modH1: goModH1(mod) }
}

/** Texts and bytes as files that a zip can be built of. */
export function sourceFiles(files: Readonly<Record<string, string | Buffer>>): SourceFile[] {
  return Object.entries(files).map(([path, contents]) => memoryFile(path, contents))
}

/** Lays modules out as `$GOMODCACHE/cache/download` has them: what `file://` and static servers serve as a GOPROXY. */
export async function writeDownloadFolder(folder: string, modules: readonly ModuleFixture[]): Promise<void> {
  for (const [module, versions] of Map.groupBy(modules, (fixture) => fixture.module)) {
    const place = join(folder, escapePath(module)!, '@v')
    await mkdir(place, { recursive: true })
    const listed = versions.map(({ version }) => version).filter((version) => !isPseudoVersion(version))
    await writeFile(
      join(place, 'list'),
      sortVersions(listed)
        .map((version) => `${version}\n`)
        .join(''),
    )
    for (const { version, info, mod, zip, h1 } of versions) {
      const file = join(place, escapeVersion(version)!)
      await writeFile(`${file}.info`, info)
      await writeFile(`${file}.mod`, mod)
      await writeFile(`${file}.zip`, zip)
      await writeFile(`${file}.ziphash`, h1)
    }
  }
}
