import type { Scope } from '../../../engine/scope.ts'
import type { Answer } from './answer.ts'
import type { KeptAnswers } from './kept-answers.ts'
import { versionKey } from './versions.ts'

/**
 * Verified go.mod files whose version has no `.info`. A module cache is a GOPROXY by itself (`go help modules`), and
 * has many of them: of versions that the go command looked at and did not take.
 */
export class LoneMods {
  private readonly kept: KeptAnswers
  private readonly scope: Scope

  constructor(kept: KeptAnswers, scope: Scope) {
    this.kept = kept
    this.scope = scope
  }

  keep(module: string, version: string, mod: Buffer): void {
    const { written } = this.kept.put(keyOf(module, version), mod)
    this.scope.task(async () => void (await written))
  }

  async find(module: string, version: string): Promise<Answer | null> {
    const kept = await this.kept.get(keyOf(module, version))
    return kept && { bytes: kept.bytes, cache: 'hit', modifiedMs: kept.modifiedMs, freshUntilMs: Infinity }
  }
}

function keyOf(module: string, version: string): string {
  return `mod ${versionKey(module, version)}`
}
