import assert from 'node:assert/strict'
import * as gomod from '../../src/gomod/index.ts'

/** Text of a file of vectors, by its name. */
export type VectorTexts = (name: string) => string

/** Where ours and golang.org/x/mod must say the same of the inputs in a set of vectors, each with a title. */
export const agreements: { title: string; check: (vectors: VectorTexts) => void }[] = []

function agree(title: string, check: (vectors: VectorTexts) => void): void {
  agreements.push({ title, check })
}

interface PathVector {
  Path: string
  Prefix: string
  PathMajor: string
  Module: boolean
  Import: boolean
  Split: boolean
  Escaped: string | null
}

agree('G1 G15 module and import paths: what is valid, where the major version is, how they are escaped', (vectors) => {
  const all: PathVector[] = JSON.parse(vectors('module-path'))
  for (const { Path, Prefix, PathMajor, ...expected } of all) {
    const split = gomod.splitPathVersion(Path)
    const said = {
      Module: gomod.checkModulePath(Path) === null,
      Import: gomod.checkImportPath(Path) === null,
      Split: split !== null,
      Escaped: gomod.escapePath(Path),
    }
    assert.deepEqual(said, expected, Path)
    if (split !== null) assert.deepEqual(split, { prefix: Prefix, pathMajor: PathMajor }, Path)
    if (said.Escaped !== null) assert.equal(gomod.unescapePath(said.Escaped), Path)
  }
})

agree('G21 file paths: what is valid', (vectors) => {
  const all: { Path: string; File: boolean }[] = JSON.parse(vectors('file-path'))
  for (const { Path, File } of all) assert.equal(gomod.checkFilePath(Path) === null, File, JSON.stringify(Path))
})

agree('G1 escaped names: what can be escaped and what was', (vectors) => {
  interface Vector {
    Text: string
    Path: string | null
    Version: string | null
    Unescaped: string | null
    UnescapedV: string | null
  }
  const all: Vector[] = JSON.parse(vectors('escaped'))
  for (const { Text, ...expected } of all) {
    const said = {
      Path: gomod.escapePath(Text),
      Version: gomod.escapeVersion(Text),
      Unescaped: gomod.unescapePath(Text),
      UnescapedV: gomod.unescapeVersion(Text),
    }
    assert.deepEqual(said, expected, JSON.stringify(Text))
  }
})

interface VersionVector {
  Version: string
  Valid: boolean
  Canonical: string | null
  Prerelease: string
  Build: string
  Major: string
}

agree('G14 G16 versions: what is valid, its parts, its canonical form', (vectors) => {
  const all: VersionVector[] = JSON.parse(vectors('version'))
  for (const { Version, Canonical, ...expected } of all) {
    const parsed = gomod.parseVersion(Version)
    const said = {
      Valid: parsed !== null,
      Prerelease: parsed?.prerelease ?? '',
      Build: parsed?.build ?? '',
      Major: parsed === null ? '' : `v${parsed.major}`,
    }
    assert.deepEqual(said, expected, Version)
    assert.equal(gomod.canonicalVersion(Version), Canonical, Version)
    assert.equal(gomod.isCanonical(Version), Canonical === Version, Version)
  }
})

agree('G11 versions: their order', (vectors) => {
  const { Sorted, Signs }: { Sorted: string[]; Signs: string[] } = JSON.parse(vectors('version-order'))
  const known: VersionVector[] = JSON.parse(vectors('version'))
  const inputs = known.map(({ Version }) => Version)
  for (const [index, a] of inputs.entries()) {
    const signs = inputs.map((b) => '<=>'[Math.sign(gomod.compareVersions(a, b)) + 1]).join('')
    assert.equal(signs, Signs[index], a)
  }
  assert.deepEqual(gomod.sortVersions(inputs), Sorted)
})

agree('G15 G16 the versions that a major version in the path allows', (vectors) => {
  const known: VersionVector[] = JSON.parse(vectors('version'))
  const inputs = known.map(({ Version }) => Version)
  const all: { PathMajor: string; Allowed: string[] }[] = JSON.parse(vectors('path-major'))
  for (const { PathMajor, Allowed } of all) {
    const allowed = inputs.filter((version) => gomod.checkPathMajor(version, PathMajor) === null)
    assert.deepEqual(allowed, Allowed, PathMajor)
  }
})

agree('G17 pseudo-versions: which are, and what is in them', (vectors) => {
  interface Vector {
    Version: string
    Pseudo: boolean
    Time: number | null
    Base: string | null
    Revision: string | null
  }
  const all: Vector[] = JSON.parse(vectors('pseudo-version'))
  for (const { Version, ...expected } of all) {
    const said = {
      Pseudo: gomod.isPseudoVersion(Version),
      Time: gomod.pseudoVersionTime(Version),
      Base: gomod.pseudoVersionBase(Version),
      Revision: gomod.pseudoVersionRevision(Version),
    }
    assert.deepEqual(said, expected, Version)
  }
})

agree('G17 pseudo-versions: how they are made', (vectors) => {
  interface Vector {
    Major: string
    Older: string
    Time: number
    Revision: string
    Version: string
  }
  const all: Vector[] = JSON.parse(vectors('made-pseudo'))
  for (const { Major, Older, Time, Revision, Version } of all)
    assert.equal(gomod.pseudoVersion(Major, Older, Time, Revision), Version)
})

agree('G10 GOPRIVATE patterns', (vectors) => {
  interface Vectors {
    Paths: string[]
    Patterns: { Patterns: string; Matches: string[] }[]
  }
  const { Paths, Patterns }: Vectors = JSON.parse(vectors('pattern'))
  for (const { Patterns: list, Matches } of Patterns) {
    const patterns = new gomod.ModulePatterns(list.split(','))
    assert.deepEqual(
      Paths.filter((path) => patterns.matches(path)),
      Matches,
      list,
    )
  }
})

agree('G14 go.mod files', (vectors) => {
  interface Vector {
    Text: string
    Module: string | null
    Usable: boolean
    Go: string | null
    Deprecated: string | null
    Retract: { Low: string; High: string; Rationale: string }[]
  }
  const all: Vector[] = JSON.parse(vectors('go-mod-file'))
  for (const { Text, Module, Usable, Go, Deprecated, Retract } of all) {
    const said = gomod.readGoMod(Text)
    assert.equal(said.module, Module, JSON.stringify(Text))
    assert.equal(said.problem === null, Usable, `${JSON.stringify(Text)}: ${said.problem}`)
    if (!Usable) continue
    assert.equal(said.go, Go, JSON.stringify(Text))
    assert.equal(said.deprecated, Deprecated, JSON.stringify(Text))
    const retract = said.retract.map(({ low, high, rationale }) => ({ Low: low, High: high, Rationale: rationale }))
    assert.deepEqual(retract, Retract, JSON.stringify(Text))
  }
})

agree('G18 go-import pages', (vectors) => {
  interface Vector {
    Html: string
    Broken: boolean
    Imports: { Prefix: string; Vcs: string; Root: string; Subdirectory: string }[]
  }
  const all: Vector[] = JSON.parse(vectors('go-import'))
  for (const { Html, Broken, Imports } of all) {
    const said = (): gomod.GoImport[] => gomod.readGoImports(Html)
    if (Broken) {
      assert.throws(said, RangeError, JSON.stringify(Html))
      continue
    }
    const found = Imports.map((each) => ({
      prefix: each.Prefix,
      vcs: each.Vcs,
      root: each.Root,
      subdirectory: each.Subdirectory,
    }))
    const proxies = found.filter(({ vcs }) => vcs === 'mod')
    const others = found.filter(({ vcs, prefix }) => vcs !== 'mod' && proxies.every((each) => each.prefix !== prefix))
    assert.deepEqual(said(), [...proxies, ...others], JSON.stringify(Html))
  }
})
