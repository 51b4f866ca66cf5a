import { clientKey } from '../../../policy/client-key.ts'

/** How many connections each client has open. */
export class ClientConnections {
  private readonly open = new Map<string, number>()

  /** One more of a client; false where it has `most` already. */
  add(address: string, most: number): boolean {
    const key = clientKey(address)
    const count = this.open.get(key) ?? 0
    if (count >= most) return false
    this.open.set(key, count + 1)
    return true
  }

  remove(address: string): void {
    const key = clientKey(address)
    const count = this.open.get(key) ?? 0
    if (count > 1) this.open.set(key, count - 1)
    else this.open.delete(key)
  }
}
