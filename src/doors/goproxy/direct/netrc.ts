/** A login of a netrc file. */
export interface NetrcLogin {
  host: string
  login: string
  password: string
}

/**
 * Reads a netrc file as the go command and curl do: `machine HOST login NAME password WORD`, with blanks and newlines
 * as they come; `macdef` runs to the next empty line; `"…"` may hold blanks; a line that begins with `#` is a comment.
 * `default` ends it, as for the go command: a login for everybody is none to show to whoever is named by others.
 * Entries without a login or password are left out.
 */
export function readNetrc(text: string): NetrcLogin[] {
  const logins: Partial<NetrcLogin>[] = []
  const words = wordsOf(text)
  for (let at = 0; at < words.length; at++) {
    const word = words[at]!
    const entry = logins.at(-1)
    if (word === 'default') break
    if (word === 'machine') logins.push({ host: words[++at] ?? '' })
    else if (word === 'login' && entry !== undefined) entry.login = words[++at] ?? ''
    else if (word === 'password' && entry !== undefined) entry.password = words[++at] ?? ''
    else if (word === 'account') at++
  }
  return logins.filter(
    (each): each is NetrcLogin => each.host !== undefined && each.login !== undefined && each.password !== undefined,
  )
}

function wordsOf(text: string): string[] {
  const words: string[] = []
  let inMacro = false
  for (const line of text.split(/\r?\n/)) {
    if (inMacro) {
      inMacro = line.trim() !== ''
      continue
    }
    if (line.trimStart().startsWith('#')) continue
    for (const [, quoted, bare] of line.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)) {
      if (bare === 'macdef') {
        inMacro = true
        break
      }
      words.push(bare ?? quoted!.replaceAll(/\\(.)/g, '$1'))
    }
  }
  return words
}
