import type { Target } from './target.ts'

/** One part of the report: what was measured, and the promises about it. */
export interface Section {
  /** Its heading, which also says which old section it replaces in RESULTS.md. */
  title: string
  /** How it was measured, and how much of it. */
  note: string
  /** Markdown. */
  body: string
  targets: readonly Target[]
}
