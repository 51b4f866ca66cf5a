import type { ErrorCode } from '../core/error-codes.ts'
import type { Path, Place, Problem } from './errors.ts'

/** Which end of `key: value` is meant. */
export type Part = 'key' | 'value'

/** A config as read: the tree that it holds, and where each piece of it stands. */
export interface ConfigSource {
  /** The file as it was named. */
  file: string
  /** The tree; undefined where the text holds none. */
  data: unknown
  /** What is wrong with the text itself. */
  problems: Problem[]
  /** Where a key or value stands; for what is missing, the nearest thing around it. */
  place(path: Path, part: Part): Place
}

/** What to say of one place in a config. */
export interface Finding {
  path: Path
  part: Part
  code: ErrorCode
  message: string
}
