import type { StagedFile } from '../store/staged-file.ts'
import type { Trail } from './trail.ts'

/** What goes with one question to an origin. */
export interface Ask {
  /** Nobody wants the answer any more. */
  signal: AbortSignal
  /** Where each decision is written down. */
  trail: Trail
}

/**
 * Where modules come from: a member of a chain, git, or the whole chain. Paths and versions are unescaped and checked
 * (`gomod`). Every method rejects with a TurnpikeError; 404 and 410 alone mean "does not exist" (G9).
 */
export interface ModuleOrigin {
  /** As the chain names it: `https://goproxy.example`, `direct`. Without credentials. */
  readonly name: string
  /** Versions, canonical, no pseudo-versions, as they came (G11). */
  list(module: string, ask: Ask): Promise<string[]>
  /** The `.info` of the latest version (G12). */
  latest(module: string, ask: Ask): Promise<ModuleInfo>
  /** The `.info` of a version, or of what a branch, tag or revision resolves to (G13). */
  info(module: string, query: string, ask: Ask): Promise<ModuleInfo>
  /** The `.mod` of a canonical version (G14). */
  mod(module: string, version: string, ask: Ask): Promise<Buffer>
  /** Writes the zip of a canonical version into `into` and ends it; resolves when all of it is there. */
  zip(module: string, version: string, into: StagedFile, ask: Ask): Promise<void>
}

/** An `.info`, read and checked. */
export interface ModuleInfo {
  version: string
  /** RFC 3339, UTC. Null where the origin gave none. */
  time: string | null
  /** The bytes as they came: what is stored and sent, `Origin` and unknown fields included. */
  bytes: Buffer
}
