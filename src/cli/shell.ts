/** Shells whose assignments are known. */
export const shells = ['bash', 'fish', 'powershell', 'cmd'] as const
export type Shell = (typeof shells)[number]

/** The shell that a person works in; bash for every other one that reads its syntax. */
export function usualShell(env: Readonly<Record<string, string | undefined>>): Shell {
  const name = (env['SHELL'] ?? '').split('/').at(-1)
  if (name === 'fish') return 'fish'
  return name === '' && env['PSModulePath'] !== undefined ? 'powershell' : 'bash'
}

/** A line that sets an environment variable; whatever is in the value stays text. */
export function shellAssignment(shell: Shell, name: string, value: string): string {
  return assignments[shell](name, value)
}

const assignments: Readonly<Record<Shell, (name: string, value: string) => string>> = {
  bash: (name, value) => `export ${name}='${value.replaceAll("'", "'\\''")}'`,
  fish: (name, value) => `set -gx ${name} '${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`,
  powershell: (name, value) => `$Env:${name} = '${value.replaceAll("'", "''")}'`,
  cmd: (name, value) => `set "${name}=${value.replaceAll('%', '%%')}"`,
}
