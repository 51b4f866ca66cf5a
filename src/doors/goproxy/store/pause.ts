import type { Scope } from '../../../engine/scope.ts'
import type { TimerHandle } from '../../../engine/world.ts'

/** Resolves after `ms`. Rejects with the signal's reason where the scope ends or `patience` is aborted before. */
export function pause(scope: Scope, ms: number, patience?: AbortSignal): Promise<void> {
  const signal = patience === undefined ? scope.signal : AbortSignal.any([scope.signal, patience])
  let timer: TimerHandle | null = null
  return new Promise((resolve, reject) => {
    const leave = (): void => {
      timer?.cancel()
      reject(signal.reason)
    }
    if (signal.aborted) return leave()
    timer = scope.after(ms, () => {
      signal.removeEventListener('abort', leave)
      resolve()
    })
    signal.addEventListener('abort', leave, { once: true })
  })
}
