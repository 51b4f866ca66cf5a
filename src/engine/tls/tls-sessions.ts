/** Sessions to resume with, by endpoint: the latest of each, and of the endpoints those used last. */
export class TlsSessions {
  private readonly sessions = new Map<string, Buffer>()
  private readonly max: number

  constructor(max: number) {
    this.max = max
  }

  get(endpoint: string): Buffer | undefined {
    return this.sessions.get(endpoint)
  }

  set(endpoint: string, session: Buffer): void {
    this.sessions.delete(endpoint)
    this.sessions.set(endpoint, session)
    if (this.sessions.size <= this.max) return
    for (const oldest of this.sessions.keys()) {
      this.sessions.delete(oldest)
      return
    }
  }

  delete(endpoint: string): void {
    this.sessions.delete(endpoint)
  }
}
