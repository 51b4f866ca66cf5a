const WINDOW_MS = 10_000
/** Streams that came to nothing: a page that is left cancels a hundred at once, an attacker thousands. */
const MAX_RESETS = 200
/** Pings while nothing is sent: gRPC measures its way with pings, but only while data flows. */
const MAX_PINGS = 100
const MAX_SETTINGS = 50

/**
 * Counts what a client can do for nothing on one HTTP/2 connection: resetting streams (CVE-2023-44487, and
 * making us reset them, CVE-2025-8671), pings and settings (CVE-2019-9512, CVE-2019-9515). Each method
 * returns true where that is a flood.
 */
export class FloodGuard {
  private windowEnds = 0
  private resets = 0
  private pings = 0
  private settings = 0

  reset(now: number): boolean {
    this.look(now)
    return ++this.resets > MAX_RESETS
  }

  ping(now: number): boolean {
    this.look(now)
    return ++this.pings > MAX_PINGS
  }

  setting(now: number): boolean {
    this.look(now)
    return ++this.settings > MAX_SETTINGS
  }

  /** Reply bytes were sent: pings beside them are no flood. */
  sent(): void {
    this.pings = 0
  }

  private look(now: number): void {
    if (now < this.windowEnds) return
    this.windowEnds = now + WINDOW_MS
    this.resets = this.pings = this.settings = 0
  }
}
