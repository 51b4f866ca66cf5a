import type { IdleMemory } from '../idle-memory.ts'
import type { Section } from '../section.ts'
import { grouped, table } from '../table.ts'
import { atLeast, atMost, type Target } from '../target.ts'

const KILOBYTE = 1024

/** Idle connections as a table. */
export function idleSection(title: string, all: readonly IdleMemory[], wanted: number): Section {
  return {
    title,
    note: 'Each connection has had one reply; proportional set size of the process tree, before and with them, 2 s at rest.',
    body: table(
      ['', 'held', 'KB each', 'MB in all'],
      all.map((each) => [
        `${each.contender}${each.secure ? ', TLS' : ''}`,
        grouped(each.held),
        (each.bytesEach / KILOBYTE).toFixed(1),
        (each.totalBytes / KILOBYTE ** 2).toFixed(0),
      ]),
    ),
    targets: all
      .filter((each) => each.contender === 'turnpike')
      .flatMap((each): Target[] => {
        const kind = each.secure ? 'an idle TLS connection' : 'an idle connection'
        return [
          atMost(`idle: ${kind} of ${grouped(wanted)}`, each.bytesEach / KILOBYTE, each.secure ? 50 : 8, ' KB'),
          atLeast(`idle: connections held${each.secure ? ', TLS' : ''}`, each.held, wanted, '', 0),
        ]
      }),
  }
}
