import type { Scope } from '../../../engine/scope.ts'

/** Resolves after `ms`. Rejects with the signal's reason where the scope ends or `patience` is aborted before. */
export function pause(scope: Scope, ms: number, patience?: AbortSignal): Promise<void> {
  const signal = patience === undefined ? scope.signal : AbortSignal.any([scope.signal, patience])
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason as Error)
    const leave = (): void => {
      timer.cancel()
      reject(signal.reason as Error)
    }
    const timer = scope.after(ms, () => {
      signal.removeEventListener('abort', leave)
      resolve()
    })
    signal.addEventListener('abort', leave, { once: true })
  })
}
