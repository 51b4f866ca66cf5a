import { TurnpikeError } from '../core/error.ts'
import { redacted } from './redacted.ts'

/** From the most to the least important. */
export const logLevels = ['error', 'warn', 'info', 'debug'] as const

export type LogLevel = (typeof logLevels)[number]

/** What a message is about, by name. An `Error` shows its code and message, a secret never shows. */
export type LogFields = Readonly<Record<string, unknown>>

export interface LoggerOptions {
  /** Least important level that is written. */
  level: LogLevel
  /** `json`: one object a line. `text`: for people, on a terminal. */
  format: 'json' | 'text'
  /** Milliseconds since 1970. */
  wallClock: () => number
  /** Takes one line with its newline, in ASCII for `json`. */
  write: (line: string) => void
}

/** What Turnpike says of its own work: starts, reloads, failures. Requests go to the access log. */
export class Logger {
  private readonly options: LoggerOptions
  private rank: number

  constructor(options: LoggerOptions) {
    this.options = options
    this.rank = logLevels.indexOf(options.level)
  }

  /** Least important level that is written from here on. */
  set level(level: LogLevel) {
    this.rank = logLevels.indexOf(level)
  }

  error(message: string, fields: LogFields = {}): void {
    this.log('error', message, fields)
  }

  warn(message: string, fields: LogFields = {}): void {
    this.log('warn', message, fields)
  }

  info(message: string, fields: LogFields = {}): void {
    this.log('info', message, fields)
  }

  debug(message: string, fields: LogFields = {}): void {
    this.log('debug', message, fields)
  }

  private log(level: LogLevel, message: string, fields: LogFields): void {
    if (logLevels.indexOf(level) > this.rank) return
    const { format, wallClock, write } = this.options
    const time = new Date(wallClock()).toISOString()
    const shown = redacted({ message, ...expanded(fields) })
    write(format === 'json' ? jsonLine({ time, level, ...shown }) : textLine(time, level, shown))
  }
}

/** Errors as fields of their own: the code is what a reader looks up. */
function expanded(fields: LogFields): LogFields {
  const shown: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(fields)) {
    if (value instanceof TurnpikeError) {
      shown.code = value.code
      shown[name] = value.message
      // A bug of ours is looked for by its stack; of other errors the code and the message say all.
      if (value.code === 'ERR_INTERNAL' && value.cause instanceof Error) shown.cause = value.cause.stack
    } else {
      shown[name] = value instanceof Error ? (value.stack ?? value.message) : value
    }
  }
  return shown
}

function jsonLine(fields: LogFields): string {
  const text = JSON.stringify(fields)
  return `${text.replaceAll(/[^\x20-\x7e]/g, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`)}\n`
}

function textLine(time: string, level: LogLevel, { message, ...fields }: LogFields): string {
  const pairs = Object.entries(fields).map(([name, value]) => `${name}=${textValue(value)}`)
  return `${time.slice(11, 23)} ${level.padEnd(5)} ${[printable(String(message)), ...pairs].join(' ')}\n`
}

function textValue(value: unknown): string {
  const text = typeof value === 'string' && /^[^\s"=]+$/.test(value) ? value : (JSON.stringify(value) ?? 'undefined')
  return printable(text)
}

/** Without control characters, which could move a terminal's cursor or forge a line. */
function printable(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, (letter) => `\\x${letter.charCodeAt(0).toString(16).padStart(2, '0')}`)
}
