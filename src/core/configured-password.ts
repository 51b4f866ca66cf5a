import { TurnpikeError } from './error.ts'
import { readPassword, type KnownPassword } from './password-hash.ts'
import type { Secret } from './secret.ts'

/** The password at a place of the config. Throws ERR_CONFIG_INVALID, with nothing of it, for what looks like a hash and is none. */
export function configuredPassword(place: string, secret: Secret): KnownPassword {
  try {
    return readPassword(secret.reveal())
  } catch (cause) {
    const why = cause instanceof RangeError ? cause.message : 'it cannot be read'
    throw new TurnpikeError('ERR_CONFIG_INVALID', { message: `${place}: ${why}`, cause })
  }
}
