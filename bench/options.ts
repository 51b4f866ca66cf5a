import { parseArgs } from 'node:util'

export interface Options {
  /** What to run: gateway, goproxy, forward, middleware, balance, reload, start, idle, large, profile. */
  command: string
  /** Further words after the command. */
  rest: string[]
  /** Paired rounds. Default 7. */
  rounds: number
  /** Seconds that each contender is loaded in each round. Default 4. */
  seconds: number
  /** Scenarios to run. Default all. */
  only: string[] | null
  /** Contenders to run. Default all. */
  contenders: string[] | null
  /** Whether bench/RESULTS.md is rewritten. */
  write: boolean
  /** Whether dist/ is used as it is. */
  noBuild: boolean
}

export const usage = `npm run bench -- COMMAND [options]

  gateway          requests/s, CPU per request, latency at a fixed rate, idle connections
  goproxy          a module proxy: warm metadata and zips, cold misses, memory, a real project
  forward          a forward proxy: bytes, tunnels/s, plain and intercepted requests, memory
  middleware       CPU per request with middleware, to the bare route
  balance          latency with one of four endpoints ten times slower, by balancer
  reload           10 000 routes: time, and how long the event loop is held up
  start            from start of the built command to its first answer
  idle             9 000 connections held
  large            1 GB up and down, with resident memory
  all              everything above
  profile SCENARIO Turnpike alone under load with --cpu-prof: where its time goes

  --rounds N       paired rounds (7)          --only small,tls,download,upload,routes,latency,idle
                                           --only info,mod,list,zip,large,latency,cold,memory,project (goproxy)
                                           --only down,up,tunnels,plain,intercept,idle,large (forward)
  --seconds N      a contender and round (4)  --contenders turnpike,nginx,…
  --write          update bench/RESULTS.md    --no-build   use dist/ as it is
`

/** Reads the command line; null where it asks for help or makes no sense. */
export function readOptions(argv: string[]): Options | null {
  const { values, positionals } = parseArgs({
    args: argv,
    allowPositionals: true,
    options: {
      rounds: { type: 'string', default: '7' },
      seconds: { type: 'string', default: '4' },
      only: { type: 'string' },
      contenders: { type: 'string' },
      write: { type: 'boolean', default: false },
      'no-build': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  const [command, ...rest] = positionals
  const rounds = Number(values.rounds)
  const seconds = Number(values.seconds)
  if (values.help || command === undefined || !Number.isInteger(rounds) || rounds < 1 || !(seconds >= 1)) return null
  return {
    command,
    rest,
    rounds,
    seconds: Math.round(seconds),
    only: values.only?.split(',') ?? null,
    contenders: values.contenders?.split(',') ?? null,
    write: values.write,
    noBuild: values['no-build'],
  }
}
