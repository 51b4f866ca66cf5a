import { realWorld } from '../../../src/engine/real-world.ts'
import type { DialAddress, World } from '../../../src/engine/world.ts'

/** What names and addresses of the outside lead to here. */
export interface StandIns {
  /** Addresses of names. Others do not exist. */
  names: Readonly<Record<string, readonly string[]>>
  /** The port of this machine's loopback that stands in for `address:port`. What is not named is refused. */
  places: Readonly<Record<string, number>>
}

/** The real world, but for what a name is and what stands at an address. Notes every address that is dialled. */
export function standInWorld({ names, places }: StandIns): { world: World; dialled: string[] } {
  const real = realWorld()
  const dialled: string[] = []
  const world: World = {
    now: () => real.now(),
    wallClock: () => real.wallClock(),
    setTimer: (run, delayMs) => real.setTimer(run, delayMs),
    soon: (run) => real.soon(run),
    random: () => real.random(),
    listen: (address, events) => real.listen(address, events),
    bindUdp: (address, events) => real.bindUdp(address, events),
    originalDestination: (socket) => real.originalDestination(socket),
    resolve(name, done) {
      const found = names[name] ?? []
      const error = found.length > 0 ? null : new Error(`there is no ${name}`)
      const addresses = found.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }) as const)
      real.soon(() => done(error, addresses))
    },
    dial(address, events) {
      const text = address.kind === 'tcp' ? `${address.host}:${address.port}` : address.path
      dialled.push(text)
      // A port that nobody listens on: refused, as an address without anybody is.
      const there: DialAddress = { kind: 'tcp', host: '127.0.0.1', port: places[text] ?? 1 }
      return real.dial(there, events)
    },
  }
  return { world, dialled }
}
