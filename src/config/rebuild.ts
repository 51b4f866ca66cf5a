import type { Steps } from '../core/steps.ts'
import { upstreamSchema } from '../upstream/config.ts'
import type { Config } from './config.ts'
import { fillFiles } from './files.ts'
import { configSchema, routeEntry } from './schema.ts'
import { treeOf } from './tree.ts'
import type { PlainConfig } from './validate.ts'

/**
 * Makes the config of a tree that was checked before, in another thread: by the same schemas, so that it is the same
 * config, with patterns, address sets and secrets as instances, which cannot cross from thread to thread. In
 * steps, one for each route and upstream. Middleware of the user's own is still to be filled in.
 */
export function* rebuilding({ data, folder, texts }: PlainConfig): Steps<Config> {
  const tree = treeOf(data)
  if (tree['gateway'] === undefined) {
    const config = configSchema.parse(data)
    fillFiles(config, folder, texts)
    return config
  }
  const { routes, upstreams, ...gateway } = treeOf(tree['gateway'])
  const config = configSchema.parse({ ...tree, gateway: { ...gateway, routes: [], upstreams: {} } })
  const built = config.gateway!
  for (const [name, upstream] of Object.entries(treeOf(upstreams))) {
    built.upstreams[name] = upstreamSchema.parse(upstream)
    yield
  }
  for (const route of Array.isArray(routes) ? routes : []) {
    built.routes.push(routeEntry.parse(route))
    yield
  }
  fillFiles(config, folder, texts)
  return config
}
