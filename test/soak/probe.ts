// Loaded into the process that is soaked, before its own code: answers its parent with what only it can know.
import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { Inside } from './subject.ts'

const delay = monitorEventLoopDelay({ resolution: 10 })
delay.enable()

process.on('message', () => {
  // Twice: what the first makes collectable behind weak references goes with the second.
  globalThis.gc!()
  globalThis.gc!()
  const { heapUsed, external, rss } = process.memoryUsage()
  const loopDelayMs = { p99: delay.percentile(99) / 1e6, max: delay.max / 1e6 }
  delay.reset()
  const inside: Inside = { heapBytes: heapUsed, externalBytes: external, residentBytes: rss, loopDelayMs }
  process.send!(inside)
})
// Without its parent it would serve for ever.
process.on('disconnect', () => process.exit(1))
// The channel alone must not keep the process alive.
process.channel!.unref()
