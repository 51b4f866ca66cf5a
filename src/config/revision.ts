import { createHash, scrypt } from 'node:crypto'
import { promisify } from 'node:util'
import type { Config } from './config.ts'
import { contentText } from './content-text.ts'

const derive = promisify<string, Buffer, number, Buffer>(scrypt)

/**
 * A hash of what a config says and of everything that it names: certificates, keys, secrets, modules. Equal for
 * configs that behave alike. It is shown, so secrets count by a slow hash, once for all: 30 ms of another thread
 * for us, and no way to try passwords for whoever reads it.
 */
export async function configRevision(config: Config): Promise<string> {
  const secrets: string[] = []
  const text = contentText(config, (secret) => secrets.push(secret.reveal()))
  const hash = createHash('sha256').update(text)
  if (secrets.length > 0) hash.update(await derive(JSON.stringify(secrets), hash.copy().digest(), 32))
  return hash.digest('hex').slice(0, 16)
}
