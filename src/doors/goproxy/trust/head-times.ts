import type { World } from '../../../engine/world.ts'
import type { StoreTrouble } from '../library/store-trouble.ts'
import type { DocumentStore } from '../store/document-store.ts'

const HOUR_MS = 3_600_000
/** Six weeks of hours: no cooldown is longer. */
const MOST_KEPT = 1000

interface SeenHead {
  size: number
  seenMs: number
}

/**
 * When a checksum database was seen to have how many records, `SIZE MS` a line: so a record that was there then is at
 * least that old. The database itself says nothing of time.
 */
export class HeadTimes {
  private readonly world: Pick<World, 'wallClock'>
  private readonly documents: DocumentStore
  private readonly name: string
  private readonly trouble: StoreTrouble
  private last: SeenHead = { size: 0, seenMs: -Infinity }

  /** `name`: the document that it is kept in. */
  constructor(world: Pick<World, 'wallClock'>, documents: DocumentStore, name: string, trouble: StoreTrouble) {
    this.world = world
    this.documents = documents
    this.name = name
    this.trouble = trouble
  }

  /** A verified head of that size is known now. Written down once an hour. */
  async see(size: number): Promise<void> {
    const now = { size, seenMs: this.world.wallClock() }
    if (!isNews(now, this.last)) return
    this.last = now
    await this.trouble.unlessFailing(() =>
      this.documents.exclusively(this.name, async () => {
        const heads = await this.read()
        if (!isNews(now, heads.at(-1))) return
        const lines = [...heads, now].slice(-MOST_KEPT).map((each) => `${each.size} ${each.seenMs}\n`)
        await this.documents.put(this.name, Buffer.from(lines.join('')))
      }),
    )
  }

  /** By when the record of that number was there, ms since 1970; Infinity where that was not seen. */
  async timeOf(id: number): Promise<number> {
    const heads = await this.trouble.unlessFailing(() => this.read())
    return heads?.find(({ size }) => size > id)?.seenMs ?? Infinity
  }

  private async read(): Promise<SeenHead[]> {
    const lines = (await this.documents.get(this.name))?.bytes.toString().split('\n').slice(0, -1) ?? []
    return lines.map((line) => line.split(' ').map(Number)).map(([size, seenMs]) => ({ size: size!, seenMs: seenMs! }))
  }
}

function isNews(now: SeenHead, last: SeenHead | undefined): boolean {
  return last === undefined || (now.size > last.size && now.seenMs - last.seenMs >= HOUR_MS)
}
