/** What a command meets of the process: so that it can be run by a test as by a shell. */
export interface CliIo {
  stdout: { write(text: string | Uint8Array): unknown; isTTY?: boolean }
  stderr: { write(text: string): unknown; isTTY?: boolean }
  /** The folder that relative paths start from. */
  cwd: string
  env: Readonly<Record<string, string | undefined>>
}

/** Exit codes of every command. */
export const exit = {
  ok: 0,
  /** The config or the request is at fault. */
  fault: 1,
  usage: 2,
  /** A bug of ours. */
  bug: 70,
} as const
