import { findProgram } from '../../test/support/peers/require-program.ts'
import { caddy } from './caddy.ts'
import type { Contender } from './contender.ts'
import { haproxy } from './haproxy.ts'
import { nginx, nginxBuffered } from './nginx.ts'
import { fastifyHttpProxy, httpProxy } from './node-packages.ts'
import { turnpike } from './turnpike.ts'

const all: readonly Contender[] = [turnpike, nginx, nginxBuffered, haproxy, caddy, httpProxy, fastifyHttpProxy]

/** The contenders that were asked for; those that are not installed are named and left out. */
export function chosenContenders(names: readonly string[] | null): Contender[] {
  return all.filter((contender) => {
    if (names !== null && !names.includes(contender.name)) return false
    const missing = contender.needs.filter((program) => findProgram(program) === null)
    if (missing.length > 0) console.log(`${contender.name} is left out: not installed: ${missing.join(', ')}`)
    return missing.length === 0
  })
}
