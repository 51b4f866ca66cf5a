import { inspect } from 'node:util'

/** A file that the config names and that is read with it, so that what was checked is what is used. Shows as its path. */
export class FileText {
  /** As the config names it; an absolute path once it was read. */
  path: string
  #text: string | null = null

  constructor(path: string) {
    this.path = path
  }

  /** Takes the absolute path and what stood there. */
  fill(path: string, text: string): void {
    this.path = path
    this.#text = text
  }

  /** What stands in the file. */
  get text(): string {
    if (this.#text === null) throw new Error(`The file ${this.path} was not read.`)
    return this.#text
  }

  toJSON(): string {
    return this.path
  }

  [inspect.custom](): string {
    return this.path
  }
}
