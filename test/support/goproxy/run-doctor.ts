import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { doctor } from '../../../src/cli/doctor.ts'
import type { ChainReport } from '../../../src/module-doctor.ts'

/** What `turnpike doctor` wrote, and its exit code. */
export interface DoctorRun {
  code: number
  stdout: string
  stderr: string
}

export interface DoctorSettings {
  env?: Readonly<Record<string, string>>
  /** Text of a turnpike.yaml in the folder that it runs in. Default: none is there. */
  config?: string
  /** Whether its output goes to a terminal. Default: no. */
  isTerminal?: boolean
}

/** Runs `turnpike doctor goproxy` in a folder of its own, in this process. */
export async function runDoctor(t: TestContext, args: string[], settings: DoctorSettings = {}): Promise<DoctorRun> {
  const cwd = await mkdtemp(join(tmpdir(), 'turnpike-doctor-'))
  // The go command's telemetry may write into its HOME a little longer.
  t.after(() => rm(cwd, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 }))
  if (settings.config !== undefined) await writeFile(join(cwd, 'turnpike.yaml'), settings.config)
  const run: DoctorRun = { code: -1, stdout: '', stderr: '' }
  const env = { PATH: process.env.PATH ?? '', HOME: cwd, GOENV: 'off', GOTOOLCHAIN: 'local', ...settings.env }
  run.code = await doctor(['goproxy', ...args], {
    cwd,
    env,
    stdout: { write: (text) => (run.stdout += text), isTTY: settings.isTerminal === true },
    stderr: { write: (text) => (run.stderr += text) },
  })
  return run
}

/** Its JSON. */
export async function doctorReport(t: TestContext, args: string[], settings?: DoctorSettings): Promise<ChainReport> {
  const { stdout, stderr } = await runDoctor(t, [...args, '--json'], settings)
  if (stdout === '') throw new Error(stderr)
  return JSON.parse(stdout)
}

/** Codes of what was found, in order. */
export function codesOf({ findings }: ChainReport): string[] {
  return findings.map(({ code }) => code)
}
