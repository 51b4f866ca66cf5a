import { storeError } from '../store-error.ts'

export interface ListedObject {
  key: string
  size: number
  modifiedMs: number
}

export interface ListPage {
  objects: ListedObject[]
  /** Where the next page begins; null at the last. */
  next: string | null
}

/**
 * Reads a ListObjectsV2 answer. Of XML it needs what S3 servers write: elements without attributes, text with entities,
 * no comments or CDATA in them. Anything else is refused rather than guessed at.
 */
export function readListPage(xml: string): ListPage {
  if (!/<ListBucketResult[\s>]/.test(xml)) throw storeError('gets something else than a list from its server')
  const objects = [...xml.matchAll(/<Contents>(.*?)<\/Contents>/gs)].map(([, content]) => ({
    key: needed(content!, 'Key'),
    size: Number(needed(content!, 'Size')),
    modifiedMs: Date.parse(needed(content!, 'LastModified')),
  }))
  const cut = element(xml, 'IsTruncated') === 'true'
  return { objects, next: cut ? needed(xml, 'NextContinuationToken') : null }
}

/** `NoSuchBucket`, `AccessDenied` and the like; '' where the server gave none. */
export function readErrorCode(xml: string): string {
  return /^[A-Za-z0-9]+$/.exec(element(xml, 'Code') ?? '')?.[0] ?? ''
}

function needed(xml: string, name: string): string {
  const text = element(xml, name)
  if (text === null) throw storeError(`gets a list without ${name} from its server`)
  return text
}

function element(xml: string, name: string): string | null {
  const text = new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1]
  return text === undefined ? null : text.replaceAll(/&(?:#x([0-9a-fA-F]+)|#(\d+)|(\w+));/g, unescapeEntity)
}

const named: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

function unescapeEntity(whole: string, hex?: string, decimal?: string, name?: string): string {
  if (name !== undefined) return named[name] ?? whole
  const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16)
  return code <= 0x10_ff_ff ? String.fromCodePoint(code) : whole
}
