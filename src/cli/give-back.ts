import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** V8's own collector, as `--expose-gc` shows it. */
type Collect = (options: { type: 'major'; execution: 'sync'; flavor: 'last-resort' }) => void

/**
 * Reading config and modules leaves a young heap of 16 MB a side, of which serving touches every page before V8
 * looks at it again: 45 MB of garbage that a small machine could use. Given back once, which takes some 45 ms; what load
 * needs of it, it grows anew.
 */
export function giveBack(): void {
  setFlagsFromString('--expose-gc')
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- V8's, known by the flag alone
  const collect = runInNewContext('gc') as Collect
  setFlagsFromString('--no-expose-gc')
  collect({ type: 'major', execution: 'sync', flavor: 'last-resort' })
}
