import { TurnpikeError } from '../../../core/error.ts'
import type { ServedSumdb, SumdbAnswer } from './sumdb-answer.ts'

/** The checksum databases that are served below `/sumdb/`, by name. */
export class ChecksumDatabases {
  private readonly databases: readonly ServedSumdb[]

  /** Throws ERR_CONFIG_INVALID where two have the same name. */
  constructor(databases: readonly ServedSumdb[]) {
    const twice = databases.find(({ name }, at) => databases.findIndex((other) => other.name === name) !== at)
    if (twice !== undefined) {
      throw new TurnpikeError('ERR_CONFIG_INVALID', {
        message: `goproxy.ownSumdb.name is ${twice.name}, as is that of the database that is mirrored.`,
      })
    }
    this.databases = databases
  }

  /** `path` begins with the name, which may contain slashes (G24). Rejects with a TurnpikeError, 404 for a name that is not known. */
  async serve(path: string, signal: AbortSignal): Promise<SumdbAnswer & Pick<ServedSumdb, 'namesPrivate'>> {
    const matching = this.databases.filter(({ name }) => path.startsWith(`${name}/`))
    const [longest] = matching.toSorted((a, b) => b.name.length - a.name.length)
    if (longest === undefined) {
      throw new TurnpikeError('ERR_MODULE_PATH', { message: `${path}: no checksum database that is served here.` })
    }
    const answer = await longest.serve(path.slice(longest.name.length), signal)
    return { ...answer, namesPrivate: longest.namesPrivate }
  }
}
