import type { Config } from './config/config.ts'
import type { Finding } from './config/source.ts'
import { Router } from './doors/gateway/router.ts'
import { shadowedRoutes } from './doors/gateway/shadowed-routes.ts'
import { StreamMatch } from './doors/gateway/streams/stream-match.ts'

/** Routes and streams that nothing reaches, because another one wins wherever they match: found by what serves. */
export function lintRoutes({ gateway }: Config): Finding[] {
  if (gateway === undefined) return []
  const { routes } = Router.compile(gateway.routes, () => null)
  const shadowed = shadowedRoutes(routes).map(({ route, by }): Finding => ({
    path: ['gateway', 'routes', route.position],
    part: 'value',
    code: 'ERR_CONFIG_LINT',
    message: `gateway.routes[${route.position}]: the route ${JSON.stringify(route.name)} is never reached: ${JSON.stringify(by.name)} matches whatever it does, and wins`,
  }))
  return [...shadowed, ...lintStreams(gateway.streams)]
}

function lintStreams(streams: NonNullable<Config['gateway']>['streams']): Finding[] {
  const matches = streams.map(({ match }) => new StreamMatch(match))
  return streams.flatMap(({ name }, index): Finding[] => {
    const by = matches.findIndex((match) => match.covers(matches[index]!))
    if (by === index) return []
    const path = ['gateway', 'streams', index]
    const first = JSON.stringify(streams[by]!.name)
    const message = `gateway.streams[${index}]: the stream ${JSON.stringify(name)} is never reached: ${first} comes before it and takes all that it would`
    return [{ path, part: 'value', code: 'ERR_CONFIG_LINT', message }]
  })
}
