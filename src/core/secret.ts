import { inspect } from 'node:util'

const hidden = '[secret]'

/** A value that never shows in a log, an error or a dump: only `reveal` gives it. */
export class Secret {
  /** The file that holds it, as the config names it; null where the value stands in the config. */
  readonly file: string | null
  #value: string | null

  private constructor(value: string | null, file: string | null) {
    this.#value = value
    this.file = file
  }

  static of(value: string): Secret {
    return new Secret(value, null)
  }

  /** A secret whose file is still to be read. */
  static inFile(file: string): Secret {
    return new Secret(null, file)
  }

  /** Takes what stood in the file, without the newline at its end. */
  fill(content: string): void {
    this.#value = content.replace(/\r?\n$/, '')
  }

  /** The value itself. */
  reveal(): string {
    if (this.#value === null) throw new Error('The file of this secret was not read.')
    return this.#value
  }

  toString(): string {
    return hidden
  }

  toJSON(): string {
    return hidden
  }

  [inspect.custom](): string {
    return hidden
  }
}
