import { createHash } from 'node:crypto'
import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import { codeOf } from './durable.ts'

/**
 * Names a process for good: boot, pid namespace, pid, start time. A pid alone comes again, and in another container it
 * is another's. Where there is no /proc: host and pid. Short, see `FolderLocks`.
 */
export const ownIdentity: string = [...machine(), process.pid, startTime(process.pid) ?? 0].join('.')

/**
 * Whether the process of that identity has ended. Null where it cannot be known from here: it is of another
 * machine, another container, or of a time before the machine was started again, which look alike.
 */
export function hasEnded(identity: string): boolean | null {
  if (identity === ownIdentity) return false
  const [boot, namespace, pid, started] = identity.split('.')
  const [ownBoot, ownNamespace] = machine()
  if (boot !== ownBoot || namespace !== ownNamespace || pid === undefined) return null
  if (!isRunning(Number(pid))) return true
  return started !== String(startTime(Number(pid)) ?? 0)
}

function machine(): [boot: string, namespace: string] {
  try {
    return [
      readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').slice(0, 8),
      readlinkSync('/proc/self/ns/pid').replaceAll(/\D/g, ''),
    ]
  } catch {
    return [createHash('sha256').update(hostname()).digest('hex').slice(0, 8), '0']
  }
}

/** In clock ticks since the machine started: field 22, counted behind the name, which may hold anything (proc_pid_stat(5)). */
function startTime(pid: number): number | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19])
  } catch {
    return null
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // It is there, and somebody else's.
    return codeOf(error) === 'EPERM'
  }
}
