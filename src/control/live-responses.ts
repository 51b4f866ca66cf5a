import type { ServerResponse } from 'node:http'
import type { World } from '../engine/world.ts'
import type { LiveBody } from './admin/answer.ts'

/** Proxies on the way, and readers, take silence for the end. */
const QUIET_MS = 15_000
/** What a reader may be behind. The first events come all at once: as much again may wait for it. */
const BEHIND_BYTES = 8 * 1024 * 1024
/** Of all readers, so that they leave connections for who asks something else. */
const READERS = 32

/** Replies of the admin address that have no end of their own. */
export class LiveResponses {
  private readonly open = new Map<ServerResponse, () => void>()
  private readonly world: World

  constructor(world: World) {
    this.world = world
  }

  /** No more of them can be had now. */
  get full(): boolean {
    return this.open.size >= READERS
  }

  /** Sends a body until it ends, its reader goes, or is too far behind. The head is written already. */
  send(response: ServerResponse, body: LiveBody): void {
    const quiet = (): void => {
      response.write(': quiet\n\n')
      timer = this.world.setTimer(quiet, QUIET_MS)
    }
    let timer = this.world.setTimer(quiet, QUIET_MS)
    let stop: (() => void) | null = null
    const close = (): void => {
      if (!this.open.delete(response)) return
      timer.cancel()
      stop?.()
      response.end()
    }
    this.open.set(response, close)
    response.once('close', close)
    // The head leaves now: whoever waits for events knows that they are heard.
    response.flushHeaders()
    stop = body.start({
      send: (text) => {
        if (!this.open.has(response)) return
        response.write(text)
        if (response.writableLength > BEHIND_BYTES) response.destroy()
      },
      end: close,
    })
  }

  /** Ends all of them. */
  close(): void {
    for (const close of this.open.values()) close()
  }
}
