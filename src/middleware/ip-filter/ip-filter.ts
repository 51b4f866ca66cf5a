import { TurnpikeError } from '../../core/error.ts'
import { defineMiddleware } from '../../engine/middleware/middleware.ts'
import { ipFilterOptions } from './config.ts'

/** Addresses whose verdict is kept: the same clients come again and again. */
const KEPT = 4096

/** Lets in some client addresses and keeps others out. */
export const ipFilter = defineMiddleware({
  name: 'ipFilter',
  options: ipFilterOptions,
  create({ allow, deny }) {
    const verdicts = new Map<string, boolean>()
    const letsIn = (address: string): boolean => {
      const verdict = !deny.has(address) && (allow === undefined || allow.has(address))
      if (verdicts.size >= KEPT) verdicts.clear()
      verdicts.set(address, verdict)
      return verdict
    }
    return {
      request({ clientAddress }) {
        if (!(verdicts.get(clientAddress) ?? letsIn(clientAddress))) throw new TurnpikeError('ERR_IP_DENIED')
      },
    }
  },
})
