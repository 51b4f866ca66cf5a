import { TurnpikeError } from '../../../core/error.ts'
import { isPseudoVersion } from '../../../gomod/pseudo-version.ts'
import { ModuleZipError } from '../../../gomod/zip/module-zip-error.ts'
import { GitFailure } from './git-process.ts'
import { giveUp, type GuardedWeb } from './guarded-web.ts'
import { ModuleAbsence } from './module-absence.ts'
import type { CodePlace } from './repository-finder.ts'

/** What was asked when something went wrong. */
export interface Question {
  module: string
  /** The version or query; null for the list. */
  query: string | null
  /** Null where the repository was not found yet. */
  place: CodePlace | null
  signal: AbortSignal
}

/** Turns what went wrong into the error that clients see: what does not exist, and what could not be told, are two things (G9). */
export class DirectErrors {
  private readonly web: GuardedWeb

  constructor(web: GuardedWeb) {
    this.web = web
  }

  /** An error of another kind, such as an abort, stays what it is. */
  async explain(thrown: unknown, question: Question): Promise<unknown> {
    const { module, query } = question
    const subject = query === null ? `module ${module}` : `${module}@${query}`
    if (thrown instanceof ModuleAbsence) {
      const noun = isPseudoVersion(query ?? '') ? 'invalid pseudo-version: ' : 'invalid version: '
      const message = `${subject}: ${thrown.of === 'version' && query !== null ? noun : ''}${thrown.message}`
      return new TurnpikeError('ERR_MODULE_NOT_FOUND', { message, cause: thrown })
    }
    if (thrown instanceof ModuleZipError) {
      const code = thrown.tooLarge ? 'ERR_MODULE_TOO_LARGE' : 'ERR_MODULE_NOT_FOUND'
      return new TurnpikeError(code, { message: `${subject}: create zip: ${thrown.message}`, cause: thrown })
    }
    if (thrown instanceof GitFailure) {
      const absent = await this.isAbsent(thrown, question)
      const code = absent ? 'ERR_MODULE_NOT_FOUND' : 'ERR_MODULE_VCS'
      return new TurnpikeError(code, { message: `${subject}: git: ${thrown.message}`, cause: thrown })
    }
    if (thrown instanceof Error && 'syscall' in thrown && 'code' in thrown) {
      const message = `${subject}: the folder of clones failed: ${String(thrown.code)}`
      return new TurnpikeError('ERR_MODULE_STORE', { message, cause: thrown })
    }
    return thrown
  }

  /** Some hosts ask for a login where there is no repository; what they say to a browser tells (codehost, loadRefs). */
  private async isAbsent({ said }: GitFailure, { place, signal }: Question): Promise<boolean> {
    if (place?.kind !== 'git' || !/^https?:/.test(place.remote.url)) return false
    if (/^fatal: repository '.*' not found$/m.test(said)) return true
    if (!/could not read Username|Authentication failed/.test(said)) return false
    try {
      const { status, reply } = await this.web.get(new URL(place.remote.url), place.remote.insecure, signal)
      await giveUp(reply)
      return status === 404 || status === 410
    } catch {
      // Whatever it is, it does not say that there is no repository.
      return false
    }
  }
}
