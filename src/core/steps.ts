/** Long work that can rest between its steps: each `yield` is a place where something else may run. */
export type Steps<T> = Generator<undefined, T, undefined>

/** Takes all the steps at once. */
export function finish<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next()
    if (step.done === true) return step.value
  }
}
