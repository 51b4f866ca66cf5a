import type { ForwardRuleConfig } from '../config.ts'

type TimeConfig = NonNullable<ForwardRuleConfig['match']['time']>

const dayNames = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const
const MINUTE_MS = 60_000

/** A span of the day in its own time zone, on some days of the week; one over midnight belongs to the day it begins on. */
export class TimeOfDay {
  private readonly config: TimeConfig
  private readonly days: ReadonlySet<number>
  private readonly format: Intl.DateTimeFormat
  /** The answer for the minute that was asked for last: time zones are slow to compute, and minutes long. */
  private minute = -1
  private answer = false

  constructor(config: TimeConfig) {
    this.config = config
    this.days = new Set(config.days.map((day) => dayNames.indexOf(day)))
    this.format = new Intl.DateTimeFormat('en-US', {
      weekday: 'short',
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
      ...(config.zone !== undefined && { timeZone: config.zone }),
    })
  }

  /** `wallMs`: ms since 1970. */
  has(wallMs: number): boolean {
    const minute = Math.floor(wallMs / MINUTE_MS)
    if (minute !== this.minute) {
      this.answer = this.compute(wallMs)
      this.minute = minute
    }
    return this.answer
  }

  private compute(wallMs: number): boolean {
    const { from, to } = this.config
    const parts = new Map(this.format.formatToParts(wallMs).map(({ type, value }) => [type, value]))
    const day = dayNames.findIndex((name) => name === parts.get('weekday')!.toLowerCase())
    const now = Number(parts.get('hour')) * 60 + Number(parts.get('minute'))
    if (from < to) return now >= from && now < to && this.days.has(day)
    return now >= from ? this.days.has(day) : now < to && this.days.has((day + 6) % 7)
  }
}
