/** Takes a file over while it comes: a StagedFile, as far as its writer goes. */
export interface FileSink {
  /** Size that was announced; -1 where unknown. */
  expected: number
  /** Where it is on disk: then what was written is the writer's again. Absent or null: it keeps what it was given. */
  readonly path?: string | null
  write(bytes: Buffer): Promise<void>
  end(): Promise<void>
}

/**
 * The files of one member of the chain, by their path below it: `/golang.org/x/text/@v/list`. Rejects with
 * ERR_MODULE_NOT_FOUND where the member says that there is none, ERR_MODULE_TOO_LARGE where it is larger than
 * `maxBytes`, and ERR_MODULE_UPSTREAM, which names the member, where it could not say (G9). What our own side did wrong
 * rejects with its own code.
 */
export interface ModuleFiles {
  /** The member's URL without credentials. */
  readonly name: string
  read(path: string, maxBytes: number, signal: AbortSignal): Promise<Buffer>
  /** Writes it into `into` and ends it; what was written before a rejection stays. */
  copy(path: string, into: FileSink, maxBytes: number, signal: AbortSignal): Promise<void>
}
