import type { Place, Problem } from './errors.ts'
import type { ConfigSource } from './source.ts'

/** A text that holds no tree. */
export class BrokenSource implements ConfigSource {
  readonly file: string
  readonly data = undefined
  readonly problems: Problem[]

  constructor(file: string, place: Place, message: string) {
    this.file = file
    this.problems = [{ file, ...place, code: 'ERR_CONFIG_SYNTAX', message }]
  }

  place(): Place {
    return { line: this.problems[0]!.line, column: this.problems[0]!.column }
  }
}
