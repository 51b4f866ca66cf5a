import { readFileSync, readdirSync } from 'node:fs'

/** The proxy under test runs here, alone. */
export const PROXY_CORE = 0
/** Load generator and origin share this one. */
export const LOAD_CORE = 1

/** What runs a command on one core. */
export const pinnedTo = (core: number): readonly string[] => ['taskset', '-c', String(core)]

/** A process and everything it started that is still alive. */
export function processTree(pid: number): number[] {
  const childrenOf = new Map<number, number[]>()
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'utf8')
      // The command name may hold blanks and parentheses: fields count from the last one.
      const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
      childrenOf.set(parent, [...(childrenOf.get(parent) ?? []), Number(entry)])
    } catch {
      // Ended meanwhile.
    }
  }
  const tree = [pid]
  for (const each of tree) tree.push(...(childrenOf.get(each) ?? []))
  return tree
}

/** Microseconds that all threads of a process tree have been on a core, user and system, those that have ended included. */
export function cpuMicroseconds(pid: number): number {
  return processTree(pid).reduce((sum, each) => sum + ownMicroseconds(each), 0)
}

/** 0 for a process that ended meanwhile: then it is one of its parent's ended children. */
function ownMicroseconds(pid: number): number {
  try {
    let nanoseconds = 0
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      // sched_info's first number: nanoseconds on the core; /proc/PID/stat counts in 10 ms steps.
      nanoseconds += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0])
    }
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // proc(5), in hundredths of a second: utime and stime of all threads, those that have ended too; cutime and cstime
    // of children that were waited for.
    const [user = 0, system = 0, childUser = 0, childSystem = 0] = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .slice(11, 15)
      .map((ticks) => Number(ticks) * 10_000)
    return Math.max(nanoseconds / 1000, user + system) + childUser + childSystem
  } catch {
    return 0
  }
}

const kilobytesOf = (text: string, field: string): number =>
  Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0)

/** Bytes that a process tree occupies, shared pages counted once. */
export function memoryBytes(pid: number): number {
  return processTree(pid).reduce(
    (sum, each) => sum + kilobytesOf(readFileSync(`/proc/${each}/smaps_rollup`, 'utf8'), 'Pss') * 1024,
    0,
  )
}

/** The most that one process ever had resident, in bytes. */
export function peakResidentBytes(pid: number): number {
  return kilobytesOf(readFileSync(`/proc/${pid}/status`, 'utf8'), 'VmHWM') * 1024
}
