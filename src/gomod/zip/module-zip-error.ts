/** What is wrong with a module zip, or with files that should become one, in words for people. */
export class ModuleZipError extends Error {
  override readonly name = 'ModuleZipError'
  /** It breaks a bound on size, and no other rule. */
  readonly tooLarge: boolean

  constructor(message: string, tooLarge = false) {
    super(message)
    this.tooLarge = tooLarge
  }
}
