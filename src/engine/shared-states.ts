import type { Ledger } from './ledger.ts'

interface SharedState {
  value: unknown
  references: number
  close: () => Promise<void>
}

/** State that several generations use, by key: it lives as long as any of them wants it. */
export class SharedStates {
  private readonly states = new Map<string, SharedState>()

  /** One more reference; `release` gives it back, and the last one closes the state. */
  acquire<T>(
    key: string,
    ledger: Ledger,
    create: () => { value: T; close: () => Promise<void> },
  ): { value: T; release: () => Promise<void> } {
    let state = this.states.get(key)
    if (state === undefined) {
      state = { ...create(), references: 0 }
      this.states.set(key, state)
      ledger.enter('sharedStates')
    }
    state.references++
    const held = state
    return {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a key belongs to one type
      value: held.value as T,
      release: async () => {
        if (--held.references > 0) return
        this.states.delete(key)
        ledger.strike('sharedStates')
        await held.close()
      },
    }
  }
}
