/** One room of `src/`, and the rooms it may import from. The same table stands in ARCHITECTURE.md. */
export interface Room {
  /** Rooms, by name; its own room is always allowed, another `middleware/X` or `doors/X` never. */
  mayImport: readonly string[]
  /** Of these rooms only their `config.ts`. */
  configOf?: readonly string[]
}

const below = ['core', 'wire', 'gomod', 'engine', 'policy', 'upstream', 'certs']
const everything = [...below, 'middleware', 'doors', 'config', 'control']

/** The import table. Rooms with a `/` (`doors/gateway`) share the line of their parent. */
export const rooms: Readonly<Record<string, Room>> = {
  core: { mayImport: [] },
  wire: { mayImport: ['core'] },
  gomod: { mayImport: ['core'] },
  engine: { mayImport: ['core', 'wire'] },
  policy: { mayImport: ['core'] },
  upstream: { mayImport: ['core', 'wire', 'engine', 'policy'] },
  certs: { mayImport: ['core', 'wire', 'engine', 'policy'] },
  middleware: { mayImport: ['core', 'engine', 'policy'] },
  doors: { mayImport: below },
  config: {
    mayImport: ['core', 'gomod'],
    configOf: ['doors', 'upstream', 'middleware', 'certs', 'control', 'engine'],
  },
  control: { mayImport: ['core', 'wire', 'engine', 'upstream', 'certs', 'config'] },
  'middleware-definitions.ts': { mayImport: ['engine', 'middleware', 'config'] },
  'middlewares.ts': { mayImport: ['core', 'engine', 'config', 'middleware-definitions.ts'] },
  'module-session.ts': { mayImport: everything },
  'open-modules.ts': { mayImport: everything },
  'forward-passage.ts': { mayImport: ['engine', 'doors'] },
  'module-door.ts': { mayImport: ['engine', 'doors'] },
  'module-target.ts': { mayImport: ['engine', 'doors'] },
  'module-store-tools.ts': { mayImport: ['core', 'gomod', 'engine', 'doors'] },
  'generation.ts': {
    mayImport: [
      ...everything,
      'middleware-definitions.ts',
      'middlewares.ts',
      'forward-passage.ts',
      'module-door.ts',
      'module-target.ts',
      'route-identities.ts',
    ],
  },
  'route-identities.ts': { mayImport: everything },
  'listener-set.ts': { mayImport: everything },
  'reload-queue.ts': { mayImport: everything },
  'config-watch.ts': { mayImport: everything },
  'load-off-loop.ts': { mayImport: everything },
  'control-view.ts': { mayImport: [...everything, 'turnpike.ts'] },
  'flow-replay.ts': { mayImport: ['core', 'engine', 'doors'] },
  'module-publisher.ts': { mayImport: ['core', 'engine', 'policy', 'doors'] },
  'module-doctor.ts': { mayImport: ['core', 'engine', 'policy', 'doors'] },
  'decision.ts': { mayImport: [...everything, 'decision-parts.ts', 'forward-decision.ts', 'stream-decision.ts'] },
  'decision-parts.ts': { mayImport: [...everything, 'decision.ts'] },
  'forward-decision.ts': { mayImport: [...everything, 'decision.ts', 'decision-parts.ts'] },
  'stream-decision.ts': { mayImport: [...everything, 'decision.ts'] },
  'middleware-trial.ts': { mayImport: [...everything, 'middleware-definitions.ts', 'middlewares.ts'] },
  'route-lints.ts': { mayImport: everything },
  'authority-lints.ts': { mayImport: ['certs', 'config'] },
  'build-generation.ts': {
    mayImport: [...everything, 'generation.ts', 'middleware-definitions.ts', 'open-modules.ts'],
  },
  'turnpike.ts': {
    mayImport: [
      ...everything,
      'build-generation.ts',
      'generation.ts',
      'control-view.ts',
      'listener-set.ts',
      'reload-queue.ts',
      'config-watch.ts',
      'load-off-loop.ts',
    ],
  },
  'index.ts': { mayImport: [...everything, 'turnpike.ts'] },
  cli: {
    mayImport: [
      'core',
      'gomod',
      'certs',
      'config',
      'control',
      'decision.ts',
      'forward-decision.ts',
      'middleware-trial.ts',
      'route-lints.ts',
      'authority-lints.ts',
      'turnpike.ts',
      'index.ts',
      'load-off-loop.ts',
      'module-store-tools.ts',
      'module-session.ts',
      'module-doctor.ts',
      'module-publisher.ts',
      'flow-replay.ts',
    ],
  },
}

/** What a file outside the engine may not do, and the files that may. Paths are relative to `src/`. */
export const chokePoints: readonly { what: string; pattern: RegExp; allowed: readonly string[] }[] = [
  {
    what: 'opens a socket of its own (only the world dials and listens)',
    pattern:
      /(?<![.\w])(?:net\s*\.\s*(?:connect|createConnection|Socket)|tls\s*\.\s*connect|https?\s*\.\s*(?:request|get))\s*\(|(?<![.\w])fetch\s*\(/,
    allowed: [
      'engine/real-world.ts',
      'engine/tls/upstream-tls.ts',
      // Clients of our own admin address, in a process that serves nothing.
      'cli/admin-client.ts',
      // A program that ssh starts, which reaches our loopback proxy and nothing else.
      'doors/goproxy/direct/ssh-tunnel.ts',
    ],
  },
  {
    what: 'starts a timer of its own (timers start through a Scope or the world)',
    pattern: /(?<![.\w])(?:setTimeout|setInterval|setImmediate)\s*\(|['"]node:timers/,
    allowed: ['engine/real-world.ts'],
  },
  {
    what: 'opens a UDP socket of its own (only the world binds)',
    pattern: /['"]node:dgram/,
    allowed: ['engine/datagram-socket.ts'],
  },
]

/** The rooms that hold one folder for each of their members, which never import one another. */
export const membered: readonly string[] = ['middleware', 'doors']
