/** A version to fetch before somebody waits for it. */
export interface WarmItem {
  module: string
  /** A version, or a query such as `latest` or a branch. */
  version: string
  /** What a go.sum says of it, null where it says nothing. */
  zipH1: string | null
  modH1: string | null
  /** Whether its go.mod alone is needed: the go command looked at it and went on. */
  modOnly: boolean
}

/**
 * Reads a go.sum, or a list with a `module@version` or `module version` a line, `#` for comments. Throws a RangeError
 * that names the line.
 */
export function readWarmList(text: string): WarmItem[] {
  const items = new Map<string, WarmItem>()
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const words = line
      .replace(/(?:^|\s)#.*$/, '')
      .split(/\s+/)
      .filter((word) => word !== '')
    if (words.length === 0) continue
    const [module = '', asked = '', hash] = words.length === 1 ? splitAt(words[0]!) : words
    if (module === '' || asked === '' || words.length > 3 || (hash !== undefined && !/^h\d:\S+$/.test(hash)))
      throw new RangeError(
        `line ${index + 1}: ${JSON.stringify(line.trim())} is neither a line of a go.sum nor module@version`,
      )
    const ofMod = hash !== undefined && asked.endsWith('/go.mod')
    const version = ofMod ? asked.slice(0, -'/go.mod'.length) : asked
    const key = `${module}@${version}`
    const item = items.get(key) ?? { module, version, zipH1: null, modH1: null, modOnly: true }
    items.set(key, item)
    if (ofMod) item.modH1 = hash
    else {
      item.zipH1 = hash ?? null
      item.modOnly = false
    }
  }
  return [...items.values()]
}

function splitAt(word: string): [module: string, version: string] {
  const at = word.lastIndexOf('@')
  return at < 0 ? [word, 'latest'] : [word.slice(0, at), word.slice(at + 1)]
}
