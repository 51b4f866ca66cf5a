import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a new context has it
const gc = runInNewContext('gc') as () => void

/** Collects everything that nothing holds, what finalizers and later turns let go of included. */
export async function collectGarbage(): Promise<void> {
  for (let round = 0; round < 4; round++) {
    gc()
    await new Promise((resolve) => setImmediate(resolve))
  }
}
