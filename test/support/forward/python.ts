import { execFileSync } from 'node:child_process'
import { findProgram } from '../peers/require-program.ts'

/** The interpreter itself, which needs nothing of the environment as a version manager's wrapper does; null for none. */
export function findPython(): string | null {
  const program = findProgram('python3')
  if (program === null) return null
  return execFileSync(program, ['-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' }).trim()
}

/** Whether it has a module. */
export function pythonHas(python: string, module: string): boolean {
  try {
    execFileSync(python, ['-c', `import ${module}`], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
