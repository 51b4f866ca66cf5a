import fs from 'node:fs'
import { promisify } from 'node:util'
import { TurnpikeError } from '../core/error.ts'

const open = promisify(fs.open)
const fstat = promisify(fs.fstat)
const { O_APPEND, O_CREAT, O_NONBLOCK, O_WRONLY } = fs.constants

/** Where log lines go. */
export interface LogTarget {
  fd: number
  /** The file to open again after rotation, null for standard output and error. */
  path: string | null
  /** Whether `fd` was opened here and is to be closed. */
  owned: boolean
}

/**
 * Opens `stdout`, `stderr` or a file (appended to, created with mode 0640).
 * Throws ERR_LOG_FILE where the file cannot be opened.
 */
export async function openLogTarget(to: string): Promise<LogTarget> {
  if (to === 'stdout') return await standardTarget(1)
  if (to === 'stderr') return await standardTarget(2)
  return { fd: await openLogFile(to), path: to, owned: true }
}

/** Lets go of a target that nobody writes to. */
export function closeLogTarget({ owned, fd }: LogTarget): void {
  if (owned) fs.close(fd, () => {})
}

export async function openLogFile(path: string): Promise<number> {
  try {
    // O_NONBLOCK: opening a FIFO that nobody reads fails instead of waiting.
    return await open(path, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK, 0o640)
  } catch (cause) {
    throw new TurnpikeError('ERR_LOG_FILE', {
      message: `The log ${path} could not be opened: ${reason(cause)}.`,
      cause,
    })
  }
}

/**
 * A pipe or terminal is opened a second time, non-blocking: a reader that stalls then costs a failed
 * write and no thread of the pool, and the mode of what we share with other processes stays as it is.
 */
async function standardTarget(fd: 1 | 2): Promise<LogTarget> {
  try {
    const stat = await fstat(fd)
    if (stat.isFIFO() || stat.isCharacterDevice()) {
      return { fd: await open(`/proc/self/fd/${fd}`, O_WRONLY | O_APPEND | O_NONBLOCK), path: null, owned: true }
    }
  } catch {
    // No /proc, or not ours to open: written as it is.
  }
  return { fd, path: null, owned: false }
}

/** What the system says went wrong, for people. */
export function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return 'code' in error ? String(error.code) : error.message
}
