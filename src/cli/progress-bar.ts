import type { CliIo } from './io.ts'

const WIDTH = 30

/** How far a command has come, on one line of a terminal; nothing where there is none. */
export class ProgressBar {
  private readonly out: CliIo['stderr']
  private readonly total: number
  private done = 0

  constructor(out: CliIo['stderr'], total: number) {
    this.out = out
    this.total = total
  }

  /** One more is done: `what` is shown behind the bar. */
  step(what: string): void {
    this.done++
    if (this.out.isTTY !== true) return
    const filled = Math.round((this.done / Math.max(this.total, 1)) * WIDTH)
    const bar = `${'='.repeat(filled)}${' '.repeat(WIDTH - filled)}`
    const text = `[${bar}] ${this.done}/${this.total} ${what}`
    this.out.write(`\r\u001B[K${text.length > 79 ? `${text.slice(0, 78)}…` : text}`)
  }

  /** Takes the line away: what follows begins on a fresh one. */
  clear(): void {
    if (this.out.isTTY === true) this.out.write('\r\u001B[K')
  }
}
