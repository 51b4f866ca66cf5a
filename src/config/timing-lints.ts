import { formatDuration } from '../core/units.ts'
import type { Config } from './config.ts'
import type { Path } from './errors.ts'
import { lint } from './lint.ts'
import { ejectionMs, race } from './probe-arithmetic.ts'
import type { Finding } from './source.ts'

type Gateway = NonNullable<Config['gateway']>
type Upstream = Gateway['upstreams'][string]

/** Probes, ejection, retries and timeouts that contradict each other. */
export function lintTimings({ gateway, liveness }: Config): Finding[] {
  if (gateway === undefined) return []
  return Object.entries(gateway.upstreams).flatMap(([name, upstream]) => {
    const path: Path = ['gateway', 'upstreams', name]
    const routes = routesTo(gateway, name, upstream)
    return [
      ...lintProbes(path, upstream, routes, liveness),
      ...lintEjection(path, upstream),
      ...routes.flatMap((route) => lintRetries(route, name, upstream)),
    ]
  })
}

/** A route that leads to an upstream, with the timers of its requests there. */
interface RouteThere {
  path: Path
  totalMs: number
  connectMs: number
  firstByteMs: number
}

function routesTo({ routes }: Gateway, name: string, { timeouts }: Upstream): RouteThere[] {
  return routes.flatMap(({ to, timeouts: own }, index) => {
    if (!Array.isArray(to) || !to.some(({ upstream }) => upstream === name)) return []
    return [
      {
        path: ['gateway', 'routes', index, 'timeouts', 'total'],
        totalMs: own?.total ?? Infinity,
        connectMs: own?.connect ?? timeouts.connect,
        firstByteMs: own?.firstByte ?? timeouts.firstByte,
      },
    ]
  })
}

function lintProbes(
  path: Path,
  { health, retries }: Upstream,
  routes: RouteThere[],
  liveness: Config['liveness'],
): Finding[] {
  if (health?.active === undefined) return []
  const { active, passive } = health
  const at = [...path, 'health', 'active']
  const findings: Finding[] = []
  if (active.timeout >= active.interval) {
    const [timeout, interval] = [active.timeout, active.interval].map(formatDuration)
    findings.push(
      lint(
        [...at, 'timeout'],
        'value',
        `${timeout} is not shorter than the interval of ${interval}: a probe that hangs holds up the next one`,
      ),
    )
  }
  const visible = Math.min(...routes.map(({ totalMs, firstByteMs }) => Math.min(totalMs, firstByteMs)))
  const tried = retries?.retryOn.includes('timeout') === true
  if (passive === undefined && !tried && ejectionMs(active) > visible) {
    findings.push(
      lint(
        at,
        'key',
        `an endpoint that hangs is out within ${formatDuration(ejectionMs(active))}, but requests to it fail after ${formatDuration(visible)}: clients see that until then, without \`passive\` or \`retries\` on timeout`,
      ),
    )
  }
  const found = liveness === undefined ? null : race(active, liveness)
  if (found !== null && found.winner !== 'ejection') findings.push(lint(at, 'key', found.text))
  return findings
}

function lintEjection(
  path: Path,
  { health, endpoints, pool, admission, timeouts, circuitBreaker }: Upstream,
): Finding[] {
  if (health?.passive === undefined) return []
  const { failures, within, maxEjected } = health.passive
  const at = [...path, 'health', 'passive']
  const { length } = endpoints.filter(({ draining }) => !draining)
  if (length > 0 && Math.floor(maxEjected * length) === 0) {
    const of = length === 1 ? 'the only endpoint' : `${length} endpoints`
    return [lint([...at, 'maxEjected'], 'value', `${maxEjected * 100}% of ${of} is none: nothing is ever ejected`)]
  }
  const shown = formatDuration(within)
  // Each request in flight can end by a timeout so many times within the window.
  const timeoutsWithin =
    Math.min(pool.max, admission?.maxInFlight ?? Infinity) * (Math.floor(within / timeouts.firstByte) + 1)
  if (timeoutsWithin < failures) {
    const most = `with at most ${Math.min(pool.max, admission?.maxInFlight ?? Infinity)} requests in flight and a \`firstByte\` of ${formatDuration(timeouts.firstByte)}`
    return [
      lint(
        [...at, 'failures'],
        'value',
        `an endpoint that hangs is never ejected: ${most}, ${timeoutsWithin} can time out within ${shown}`,
      ),
    ]
  }
  const trip = circuitBreaker?.trip
  if (trip === undefined || !('consecutiveFailures' in trip)) return []
  if (trip.consecutiveFailures >= failures || circuitBreaker!.openFor < within) return []
  return [
    lint(
      [...at, 'failures'],
      'value',
      `${failures} failures never come together within ${shown}: after ${trip.consecutiveFailures} the circuit breaker keeps requests away for ${formatDuration(circuitBreaker!.openFor)}`,
    ),
  ]
}

function lintRetries(route: RouteThere, name: string, { retries, endpoints, timeouts }: Upstream): Finding[] {
  if (retries === undefined || retries.maxRetries === 0) return []
  const { maxRetries, retryOn, backOff, perTryTimeout = Infinity } = retries
  const connecting = route.connectMs + (endpoints.some(({ tls }) => tls) ? timeouts.tls : 0)
  // After a failure to connect, nothing was waited for; all else comes as late as the first byte may.
  const answering = retryOn.some((cause) => cause !== 'connectFailure') ? route.firstByteMs : 0
  const perTry = Math.min(perTryTimeout, connecting + answering)
  let lastBegins = maxRetries * perTry
  for (let retry = 0; retry < maxRetries; retry++) lastBegins += Math.min(backOff.max, backOff.base * 2 ** retry)
  if (lastBegins < route.totalMs) return []
  return [
    lint(
      route.path,
      'value',
      `the last of ${maxRetries + 1} tries at ${name} may begin only after ${formatDuration(lastBegins)}, and all of them have ${formatDuration(route.totalMs)}: retry less, or with a shorter \`perTryTimeout\``,
    ),
  ]
}
