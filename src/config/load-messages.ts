import type { Problem } from './errors.ts'
import type { FileHashes } from './file-hashes.ts'
import type { LoadedConfig } from './load.ts'
import type { PlainConfig } from './validate.ts'

/** What a loading thread is started with. */
export interface LoadJob {
  file: string
  cwd: string
  env: Record<string, string | undefined>
}

/** All but routes and upstreams, which follow in slices. */
export interface LoadHead {
  kind: 'head'
  loaded: Omit<LoadedConfig, 'config'>
  plain: PlainConfig
}

/** Some of the routes or upstreams. The next one is sent when it is asked for, so that its reader can rest in between. */
export interface LoadSlice {
  kind: 'slice'
  routes: unknown[]
  upstreams: [name: string, upstream: unknown][]
}

/** What a loading thread says: a head, slices and an end; or why there is no config. */
export type LoadMessage =
  | LoadHead
  | LoadSlice
  | { kind: 'end' }
  | { kind: 'refused'; problems: readonly Problem[]; files: FileHashes }
