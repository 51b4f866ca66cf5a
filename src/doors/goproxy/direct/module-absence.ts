/** There is no such module, or no such version of it: said for certain, in the go command's words. */
export class ModuleAbsence extends Error {
  /** Whether it is the module that is not there, or the version that was asked for. */
  readonly of: 'module' | 'version'

  constructor(why: string, of: 'module' | 'version' = 'version') {
    super(why)
    this.name = 'ModuleAbsence'
    this.of = of
  }
}
