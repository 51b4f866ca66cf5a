import { TurnpikeError } from '../../../core/error.ts'
import { readVerifierKey } from '../../../gomod/sumdb/note-key.ts'

/** Those that the go command knows by name (cmd/go/internal/modfetch/key.go). */
const known: Readonly<Record<string, string>> = {
  'sum.golang.org': 'sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8',
}

/** The verifier key of a database. Throws ERR_CONFIG_INVALID where there is none, it is malformed, or another name's. */
export function checksumDatabaseKey(config: { name: string; key?: string | undefined }): string {
  const key = config.key ?? known[config.name]
  if (key === undefined)
    throw invalid(`the verifier key of ${config.name} is not known: it is needed as goproxy.sumdb.key`)
  let name: string
  try {
    name = readVerifierKey(key).name
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw invalid(`goproxy.sumdb.key: ${error.message}`)
  }
  if (name !== config.name) throw invalid(`goproxy.sumdb.key is the key of ${name}, not of ${config.name}`)
  return key
}

/**
 * What the names of a database's documents begin with. Its key's hash is part of it: with another key, nothing that
 * was signed with the old one is found.
 */
export function documentPrefix(verifierKey: string): string {
  const [name = '', hash = ''] = verifierKey.split('+')
  return `${documentFolder(name)}+${hash}`
}

/** The same for what is kept whatever the key is. Names that become the same by it have other hashes. */
export function documentFolder(name: string): string {
  return `sumdb/${name.replaceAll(/[^A-Za-z0-9._-]/g, ',').slice(0, 200)}`
}

function invalid(message: string): TurnpikeError {
  return new TurnpikeError('ERR_CONFIG_INVALID', { message: `${message}.` })
}
