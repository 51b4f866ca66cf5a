import { execFile } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { chmod, copyFile, mkdir, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { delimiter, dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { certificateFile, readCertificate } from '../certs/open-authority.ts'
import { systemCode } from '../core/system-code.ts'
import { authorityFault, authorityFolder } from './ca-folder.ts'
import { command, FaultError, UsageError } from './command.ts'
import { exit, type CliIo } from './io.ts'
import { storeNames, trustPlans, type StoreName, type TrustPlan, type TrustStep } from './trust-stores.ts'

const usage = `Usage: turnpike ca trust [DIR] [--store system|nss|java]… [--remove] [--dry-run]

Has this machine trust an authority: the system (Debian, Ubuntu, Fedora, macOS,
Windows), NSS (Chromium, Firefox) and Java, as far as they are here. It needs to be
root where a store is the machine's, and says so.

  DIR                    default: ca
      --store NAME       this store alone; may be repeated
      --remove           trusts it no longer
      --dry-run          only says what would be done
  -h, --help             shows this

Node and Python keep lists of their own: NODE_EXTRA_CA_CERTS=FILE,
REQUESTS_CA_BUNDLE=FILE.

Exit code: 0 done, 1 something could not be, 2 wrong usage.
`

const options = {
  store: { type: 'string', multiple: true },
  remove: { type: 'boolean', default: false },
  'dry-run': { type: 'boolean', default: false },
} as const

const execute = promisify(execFile)

/** `turnpike ca trust`: puts an authority into the stores of this machine, or takes it out. */
export const caTrust = command({ usage, options }, async ({ values, positionals }, io) => {
  const { store: wanted = [...storeNames], remove, 'dry-run': dryRun } = values
  const stray = wanted.find((name) => !isStore(name))
  if (stray !== undefined)
    throw new UsageError(`There is no store ${JSON.stringify(stray)}: ${storeNames.join(', ')} are what there is.`)
  const named = authorityFolder(positionals)
  const folder = resolve(io.cwd, named)
  const certificate = await authorityFault(readCertificate(folder))
  const sha256 = certificate.fingerprint256.replaceAll(':', '')
  const file = join(folder, certificateFile)
  const plans = trustPlans({
    platform: process.platform,
    home: io.env['HOME'] ?? homedir(),
    has: (program) => isProgram(program, io),
    file,
    label: `turnpike-${sha256.slice(0, 16).toLowerCase()}`,
    serial: certificate.serialNumber,
    sha256,
    remove,
  }).filter(({ store }) => wanted.includes(store))
  for (const name of wanted)
    if (values.store !== undefined && !plans.some(({ store }) => store === name))
      throw new FaultError(
        `turnpike: there is no ${name} store here that is known, or the program that changes it is missing.`,
      )
  if (plans.length === 0) throw new FaultError('turnpike: no store that is known is here.')
  let failed = 0
  for (const plan of plans) {
    if (dryRun)
      io.stdout.write(`${plan.title}${note(plan)}:\n${plan.steps.map((step) => `  ${shown(step, file)}\n`).join('')}`)
    else if (
      !(await carryOut(
        plan,
        file,
        remove,
        `turnpike ca trust ${named} --store ${plan.store}${remove ? ' --remove' : ''}`,
        io,
      ))
    )
      failed++
  }
  return failed === 0 ? exit.ok : exit.fault
})

function isStore(name: string): name is StoreName {
  return (storeNames as readonly string[]).includes(name)
}

function note({ untested }: TrustPlan): string {
  return untested ? ' (written after its documentation, not tested on this system)' : ''
}

/** Whether all of it was done; what was not is said. */
async function carryOut(plan: TrustPlan, file: string, remove: boolean, again: string, io: CliIo): Promise<boolean> {
  if (plan.root && process.getuid?.() !== 0) {
    io.stderr.write(`${plan.title}: it is root's to change:\n  sudo ${again}\n`)
    return false
  }
  try {
    for (const step of plan.steps) await take(step, file, io)
    io.stdout.write(`${plan.title}${note(plan)}: ${remove ? 'no longer trusts it' : 'trusts it'}\n`)
    return true
  } catch (error) {
    io.stderr.write(`${plan.title}: ${whyOf(error)}\n`)
    if (plan.store === 'java' && process.getuid?.() !== 0) io.stderr.write(`  perhaps root can: sudo ${again}\n`)
    return false
  }
}

async function take(step: TrustStep, file: string, { env, cwd }: CliIo): Promise<void> {
  if ('run' in step) {
    const [program, ...args] = step.run
    try {
      await execute(program, args, { env: { ...env }, cwd, windowsHide: true })
    } catch (error) {
      if (step.already?.test(whyOf(error)) !== true) throw error
    }
  } else if ('write' in step) {
    await mkdir(dirname(step.write), { recursive: true })
    await copyFile(file, step.write)
    await chmod(step.write, 0o644)
  } else if ('folder' in step) await mkdir(step.folder, { recursive: true, mode: 0o700 })
  else await rm(step.remove, { force: true })
}

/** What a program said last, or the system. */
function whyOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const said = ['stderr', 'stdout']
    .map((stream) => String(Reflect.get(error, stream) ?? '').trim())
    .find((text) => text !== '')
  return said ?? (error.message === '' ? systemCode(error) : error.message)
}

function shown(step: TrustStep, file: string): string {
  if ('run' in step) return step.run.map((part) => (/^[\w./:,=@-]+$/.test(part) ? part : `'${part}'`)).join(' ')
  if ('write' in step) return `cp ${file} ${step.write}`
  return 'folder' in step ? `mkdir -p ${step.folder}` : `rm -f ${step.remove}`
}

function isProgram(name: string, { env }: CliIo): boolean {
  const system = process.platform === 'win32' ? [] : ['/usr/sbin', '/sbin']
  const names = process.platform === 'win32' ? [`${name}.exe`] : [name]
  return [...(env['PATH'] ?? '').split(delimiter), ...system].some((folder) =>
    names.some((each) => {
      try {
        accessSync(join(folder, each), constants.X_OK)
        return folder !== ''
      } catch {
        return false
      }
    }),
  )
}
