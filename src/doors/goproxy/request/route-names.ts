import type { ModuleRequest } from './module-request.ts'

/** What requests are called in logs and metrics where no gateway route gives them a name: no route of a config is called so. */
export const routeNames: Readonly<Record<ModuleRequest['kind'] | 'publish', string>> = {
  list: 'goproxy:list',
  latest: 'goproxy:latest',
  info: 'goproxy:info',
  mod: 'goproxy:mod',
  zip: 'goproxy:zip',
  sumdb: 'goproxy:sumdb',
  index: 'goproxy:index',
  catalog: 'goproxy:catalog',
  publish: 'goproxy:publish',
}
