import { ConfigError, renderProblem } from './config/errors.ts'
import type { FileHashes } from './config/file-hashes.ts'
import type { LoadedConfig } from './config/load.ts'
import type { Logger } from './control/logger.ts'
import type { ReloadHistory, ReloadProblem, ReloadReport } from './control/reload-history.ts'
import { TurnpikeError } from './core/error.ts'
import type { World } from './engine/world.ts'

/** What a reload reads its config with; rejects with a ConfigError for one that cannot be run. */
export type LoadConfig = () => Promise<LoadedConfig>

/** Where reloads are carried out. */
export interface ReloadPlace {
  world: World
  history: ReloadHistory
  logger: Pick<Logger, 'info' | 'error'>
  /** Of the config that serves. */
  revision(): string
  /** Puts a config in place of the one that serves. Rejects where that cannot be, with nothing changed. */
  apply(loaded: LoadedConfig): Promise<void>
  /** Told what was read, whatever became of it. */
  read(files: FileHashes): void
}

/** One reload after the other; what went wrong is told, and the last good config serves on (W4). */
export class ReloadQueue {
  private readonly place: ReloadPlace
  private last: Promise<unknown> = Promise.resolve()
  /** Waits for the one before it, and has read nothing yet: it will do for all that ask meanwhile. */
  private waiting: { load: LoadConfig; report: Promise<ReloadReport> } | null = null

  constructor(place: ReloadPlace) {
    this.place = place
  }

  /** Resolves when it is over, refused or not. `reason`: what asked for it. */
  add(load: LoadConfig, reason: string): Promise<ReloadReport> {
    if (this.waiting?.load === load) return this.waiting.report
    const report = this.last.then(() => {
      if (this.waiting?.report === report) this.waiting = null
      return this.run(load, reason)
    })
    this.waiting = { load, report }
    this.last = report
    return report
  }

  /** Resolves when none is running. */
  async idle(): Promise<void> {
    await this.last
  }

  private async run(load: LoadConfig, reason: string): Promise<ReloadReport> {
    const { world, history, logger } = this.place
    const start = world.now()
    const before = this.place.revision()
    let problems: ReloadProblem[] = []
    try {
      const loaded = await load()
      this.place.read(loaded.source.files)
      if (loaded.revision !== before) await this.place.apply(loaded)
    } catch (error) {
      problems = problemsOf(error)
      if (error instanceof ConfigError && error.files.size > 0) this.place.read(error.files)
    }
    const revision = this.place.revision()
    const result = problems.length > 0 ? 'refused' : revision === before ? 'unchanged' : 'applied'
    const report: ReloadReport = { result, revision, problems, durationMs: Math.round(world.now() - start) }
    history.add({ ...report, at: world.wallClock(), reason })
    if (result === 'refused') {
      for (const problem of problems) logger.error('the config is refused', { reason, problem: problemText(problem) })
      logger.error('the config of before serves on', { reason, revision, problems: problems.length })
    } else {
      const { durationMs } = report
      logger.info(result === 'applied' ? 'a new config serves' : 'the config has not changed', {
        reason,
        revision,
        durationMs,
      })
    }
    return report
  }
}

function problemsOf(error: unknown): ReloadProblem[] {
  if (error instanceof ConfigError) return [...error.problems]
  const { code, message, cause } = TurnpikeError.from(error, 'config')
  const why = code === 'ERR_INTERNAL' && cause instanceof Error ? (cause.stack ?? cause.message) : message
  return [{ code, message: why }]
}

function problemText({ file, line, column, code, message }: ReloadProblem): string {
  return file === undefined
    ? `${message} [${code}]`
    : renderProblem({ file, line: line ?? 1, column: column ?? 1, code, message })
}
