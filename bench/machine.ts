import { execFileSync } from 'node:child_process'
import os from 'node:os'
import { findProgram } from '../test/support/peers/require-program.ts'

/** What a program says when asked for its version, or '' where it is missing. */
function versionOf(program: string, args: readonly string[], pattern: RegExp): string {
  const file = findProgram(program)
  if (file === null) return ''
  try {
    // nginx answers on stderr.
    const said = execFileSync('sh', ['-c', '"$0" "$@" 2>&1 || true', file, ...args], { encoding: 'utf8' })
    const found = pattern.exec(said)
    return found === null ? '' : `${program} ${found[1]}`
  } catch {
    return ''
  }
}

/** One line about where the numbers come from. */
export function machine(): string {
  const cpu = os.cpus()[0]?.model.trim() ?? 'unknown CPU'
  const programs = [
    versionOf('nginx', ['-v'], /nginx\/(\S+)/),
    versionOf('haproxy', ['-v'], /version (\d+\.\d+\.\d+)/),
    versionOf('caddy', ['version'], /v?(\d\S*)/),
    versionOf('wrk', ['-v'], /wrk (?:debian\/)?(\S+)/),
  ].filter(Boolean)
  return `${cpu}, ${os.cpus().length} cores, ${(os.totalmem() / 2 ** 30).toFixed(0)} GiB, ${os.type()} ${os.release()}, Node ${process.versions.node}, ${programs.join(', ')}`
}
