import { TurnpikeError } from '../../../core/error.ts'
import type { Secret } from '../../../core/secret.ts'
import { generateSignerKey, readSignerKey, type Signer } from '../../../gomod/sumdb/note-key.ts'
import type { DocumentStore } from '../store/document-store.ts'
import { documentFolder } from './verifier-keys.ts'

/** The key of a database of one's own: that of the config, else the one that was made at the first start. Rejects with ERR_CONFIG_INVALID. */
export async function signingKey(name: string, key: Secret | null, documents: DocumentStore): Promise<Signer> {
  if (key !== null) return read(key.reveal(), name)
  const document = `${documentFolder(name)}/key`
  const kept = async (): Promise<Buffer | null> => (await documents.get(document))?.bytes ?? null
  const make = async (): Promise<Buffer> => {
    const made = Buffer.from(generateSignerKey(name))
    await documents.put(document, made)
    return made
  }
  // Only who finds none has to wait, and to be able to write.
  const bytes = (await kept()) ?? (await documents.exclusively(document, async () => (await kept()) ?? (await make())))
  return read(bytes.toString(), name)
}

/** Nothing of the key may be in the error. */
function read(text: string, name: string): Signer {
  let signer: Signer
  try {
    signer = readSignerKey(text.trim())
  } catch (error) {
    const why = error instanceof RangeError ? error.message : 'it cannot be read'
    throw new TurnpikeError('ERR_CONFIG_INVALID', { message: `The signing key of ${name}: ${why}.` })
  }
  if (signer.name === name) return signer
  throw new TurnpikeError('ERR_CONFIG_INVALID', { message: `The signing key of ${name} is one of ${signer.name}.` })
}
