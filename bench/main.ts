import { execFileSync } from 'node:child_process'
import path from 'node:path'
import { benchBalance } from './balance.ts'
import { benchForward } from './forward.ts'
import { benchGateway } from './gateway.ts'
import { benchGoproxy } from './goproxy.ts'
import { benchIdle } from './idle.ts'
import { benchLarge } from './large.ts'
import { benchMiddleware } from './middleware.ts'
import { readOptions, usage, type Options } from './options.ts'
import { LOAD_CORE, PROXY_CORE } from './processes.ts'
import { profile } from './profile.ts'
import { benchReload } from './reload.ts'
import { sectionText, writeResults } from './report.ts'
import type { Section } from './section.ts'
import { benchStart } from './start.ts'

async function* everything(options: Options): AsyncGenerator<Section> {
  yield* benchGateway(options)
  yield* benchMiddleware(options)
  yield* benchBalance(options)
  yield* benchReload()
  yield* benchGoproxy(options)
  yield* benchForward(options)
  yield* benchIdle()
  yield* benchLarge()
  yield* benchStart()
}

const benches: Record<string, (options: Options) => AsyncGenerator<Section>> = {
  balance: benchBalance,
  forward: benchForward,
  gateway: benchGateway,
  goproxy: benchGoproxy,
  idle: benchIdle,
  large: benchLarge,
  middleware: benchMiddleware,
  reload: benchReload,
  start: benchStart,
  all: everything,
}

async function main(argv: string[]): Promise<number> {
  const options = readOptions(argv)
  const bench = benches[options?.command ?? '']
  if (options === null || (bench === undefined && options.command !== 'profile')) {
    console.log(usage)
    return 2
  }
  // This process is client and, for some benches, origin: it stays off the proxy's core.
  execFileSync('taskset', ['-acp', String(LOAD_CORE), String(process.pid)], { stdio: 'ignore' })
  if (!options.noBuild) {
    execFileSync('npm', ['run', '--silent', 'build'], {
      cwd: path.resolve(import.meta.dirname, '..'),
      stdio: 'inherit',
    })
  }
  if (bench === undefined) {
    await profile(options)
    return 0
  }
  console.log(`The proxy runs on core ${PROXY_CORE}; load generator and origin on core ${LOAD_CORE}.\n`)
  const sections: Section[] = []
  for await (const section of bench(options)) {
    sections.push(section)
    console.log(`${sectionText(section)}\n`)
  }
  if (options.write) writeResults(sections, `npm run bench -- ${argv.filter((each) => each !== '--write').join(' ')}`)
  return sections.some(({ targets }) => targets.some(({ met }) => !met)) ? 1 : 0
}

process.exitCode = await main(process.argv.slice(2))
