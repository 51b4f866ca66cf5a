import { checkDocumentName } from '../document-name.ts'
import type { Document, DocumentStore } from '../document-store.ts'
import { uploadOf, type Bucket } from './bucket.ts'
import type { Leases } from './leases.ts'

const PREFIX = 'documents/'
/**
 * What a document's key ends in: servers that keep objects as files could else not have both `a` and `a/b`. Of all
 * characters of names it is the first, so that keys sort as names do.
 */
const MARK = '!'

/** Documents as objects, one each. */
export class S3Documents implements DocumentStore {
  private readonly bucket: Bucket
  private readonly leases: Leases

  constructor(bucket: Bucket, leases: Leases) {
    this.bucket = bucket
    this.leases = leases
  }

  async get(name: string): Promise<Document | null> {
    const object = await this.bucket.get(key(name))
    return object === null ? null : { bytes: object.bytes, putAtMs: object.modifiedMs }
  }

  async put(name: string, bytes: Buffer): Promise<void> {
    await this.bucket.put(key(name), uploadOf(bytes))
  }

  async remove(name: string): Promise<void> {
    await this.bucket.remove(key(name))
  }

  async *list(prefix: string, after = ''): AsyncIterable<string> {
    const behind = after === '' ? '' : key(after)
    for await (const object of this.bucket.list(PREFIX + prefix, behind))
      yield object.key.slice(PREFIX.length, -MARK.length)
  }

  exclusively<T>(name: string, work: (signal: AbortSignal) => Promise<T>, patience?: AbortSignal): Promise<T> {
    checkDocumentName(name)
    return this.leases.exclusively(name, work, patience)
  }
}

function key(name: string): string {
  checkDocumentName(name)
  return PREFIX + name + MARK
}
