import { createHash } from 'node:crypto'
import { AwsV4Signer } from 'aws4fetch'
import { TurnpikeError } from '../../../../core/error.ts'
import type { ClientReply, ClientRequest, HttpClient } from '../../../../engine/client/http-client.ts'
import type { Scope } from '../../../../engine/scope.ts'
import type { Notify } from '../../../../engine/services.ts'
import type { StoreConfig } from '../../config.ts'
import { pause } from '../pause.ts'
import { storeError } from '../store-error.ts'
import { readErrorCode, readListPage, type ListedObject } from './list-page.ts'

const timeouts = { connectMs: 5_000, tlsMs: 5_000, firstByteMs: 30_000, stallMs: 30_000 }
/** Waits before what failed is tried again. */
const RETRIES_MS = [100, 400]
const MAX_OBJECT_BYTES = 64 * 1024 * 1024
const MAX_LIST_BYTES = 8 * 1024 * 1024

/** An object's bytes with what tells whether they were changed. */
export interface BucketObject {
  bytes: Buffer
  etag: string
  modifiedMs: number
}

/** What is sent: its bytes, or where they come from, anew for each try. */
export interface Upload {
  /** Of all of it, lower case hex: the server refuses what is not that. */
  sha256: string
  body: () => NonNullable<ClientRequest['body']>
}

/** `absent`: only where nothing is there; an ETag: only where that is there. */
export type Condition = 'absent' | { etag: string } | null

/** A bucket of an S3-compatible server, by path-style addresses. Keys are without the prefix. Rejects with ERR_MODULE_STORE. */
export class Bucket {
  private readonly config: NonNullable<StoreConfig['s3']>
  private readonly client: HttpClient
  private readonly scope: Scope
  private readonly notify: Notify
  private conditional = true
  /** Signing keys of the day. */
  private readonly signingKeys = new Map<string, ArrayBuffer>()

  constructor(config: NonNullable<StoreConfig['s3']>, client: HttpClient, scope: Scope, notify: Notify) {
    this.notify = notify
    this.config = config
    this.client = client
    this.scope = scope
  }

  /** Rejects where the bucket is not there, or not ours to read: of a single object, a server may say that it is not there. */
  async check(): Promise<void> {
    const query = new URLSearchParams({ 'list-type': '2', 'max-keys': '1', prefix: this.config.prefix })
    const reply = await this.send('GET', null, { query })
    await expect(reply, 200)
    readListPage((await collect(reply, MAX_LIST_BYTES)).toString())
  }

  /** Null where it is not there. */
  async get(key: string): Promise<BucketObject | null> {
    const reply = await this.send('GET', key)
    if (reply.status === 404) {
      // Read to its end, so that the connection can be used again.
      await collect(reply, MAX_LIST_BYTES)
      return null
    }
    await expect(reply, 200)
    return {
      bytes: await collect(reply, MAX_OBJECT_BYTES),
      etag: etagOf(reply),
      modifiedMs: Date.parse(reply.headers.get('last-modified') ?? ''),
    }
  }

  /** From `position` to the end, of those very bytes alone; null where they are not there any more. */
  async read(key: string, etag: string, position: number): Promise<AsyncIterable<Buffer> | null> {
    const reply = await this.send('GET', key, { fields: { Range: `bytes=${position}-`, 'If-Match': etag } })
    if (reply.status === 404 || reply.status === 412) {
      await collect(reply, MAX_LIST_BYTES)
      return null
    }
    await expect(reply, 206)
    return reply.body
  }

  /** Its new ETag, or null where the condition did not hold; without one where the server knows none. In one piece: S3 takes up to 5 GiB so, and a zip is 500 MiB (G21). */
  async put(key: string, upload: Upload, wanted: Condition = null): Promise<string | null> {
    const condition = this.conditional ? wanted : null
    const fields =
      condition === null ? {} : condition === 'absent' ? { 'If-None-Match': '*' } : { 'If-Match': condition.etag }
    const reply = await this.send('PUT', key, { upload, fields })
    if (condition !== null && reply.status === 501) {
      await collect(reply, MAX_LIST_BYTES)
      this.tellUnconditional()
      return this.put(key, upload)
    }
    // 409: another conditional write of it is on its way. 404: there is none that could match.
    if (condition !== null && (reply.status === 412 || reply.status === 409 || reply.status === 404)) {
      await collect(reply, MAX_LIST_BYTES)
      return null
    }
    await expect(reply, 200)
    await collect(reply, MAX_LIST_BYTES)
    return etagOf(reply)
  }

  async remove(key: string): Promise<void> {
    const reply = await this.send('DELETE', key)
    if (reply.status !== 404 && reply.status !== 200) await expect(reply, 204)
    await collect(reply, MAX_LIST_BYTES)
  }

  /** Objects whose keys begin with `prefix`, sorted, those behind `after` alone. */
  async *list(prefix: string, after = ''): AsyncIterable<ListedObject> {
    const { prefix: own } = this.config
    for (let token: string | null = null; ;) {
      const query = new URLSearchParams({ 'list-type': '2', prefix: own + prefix })
      if (token !== null) query.set('continuation-token', token)
      else if (after !== '') query.set('start-after', own + after)
      const reply = await this.send('GET', null, { query })
      await expect(reply, 200)
      const page = readListPage((await collect(reply, MAX_LIST_BYTES)).toString())
      for (const object of page.objects) yield { ...object, key: object.key.slice(own.length) }
      if (page.next === null) return
      token = page.next
    }
  }

  private tellUnconditional(): void {
    if (this.conditional) {
      this.notify('warn', 'the S3 server knows no conditional writes: one replica alone may use this bucket', {
        bucket: this.config.bucket,
      })
    }
    this.conditional = false
  }

  /** Tries again what another try may mend: every request here can be repeated. */
  private async send(method: ClientRequest['method'], key: string | null, more: Sent = {}): Promise<ClientReply> {
    for (let tried = 0; ; tried++) {
      const waitMs = RETRIES_MS[tried]
      try {
        const reply = await this.client.request(await this.signed(method, key, more))
        const busy = reply.status === 429 || (reply.status >= 500 && reply.status !== 501)
        if (!busy || waitMs === undefined) return reply
        await collect(reply, MAX_LIST_BYTES)
      } catch (error) {
        if (waitMs === undefined || this.scope.signal.aborted) throw storeError('does not answer', error)
      }
      await pause(this.scope, waitMs)
    }
  }

  private async signed(method: ClientRequest['method'], key: string | null, more: Sent): Promise<ClientRequest> {
    const { endpoint, bucket, prefix, region, accessKeyId, secretAccessKey } = this.config
    const path = key === null ? '' : encodeKey(prefix + key)
    const url = new URL(`${endpoint.replace(/\/+$/, '')}/${encodeKey(bucket)}${key === null ? '' : '/'}${path}`)
    url.search = more.query === undefined ? '' : encodeQuery(more.query)
    const { upload, fields } = more
    const signer = new AwsV4Signer({
      method,
      url: url.href,
      headers: { ...fields, 'X-Amz-Content-Sha256': upload?.sha256 ?? EMPTY_SHA256 },
      accessKeyId,
      secretAccessKey: secretAccessKey.reveal(),
      service: 's3',
      region,
      cache: this.signingKeys,
    })
    const { headers } = await signer.sign()
    const request = { method, url, fields: [...headers], body: upload?.body() ?? null, timeouts }
    const { signal } = this.scope
    // What is begun when the scope has ended is the last that there is to write.
    return signal.aborted ? request : { ...request, signal }
  }
}

interface Sent {
  query?: URLSearchParams
  fields?: Record<string, string>
  upload?: Upload
}

const EMPTY_SHA256 = createHash('sha256').digest('hex')

/** Bytes in memory, to be sent. */
export function uploadOf(bytes: Buffer): Upload {
  return { sha256: createHash('sha256').update(bytes).digest('hex'), body: () => bytes }
}

/** As the signature has it: all but the unreserved of RFC 3986 §2.3, and slashes. */
function encodeKey(key: string): string {
  return key.split('/').map(encode).join('/')
}

function encodeQuery(query: URLSearchParams): string {
  return [...query].map(([name, value]) => `${encode(name)}=${encode(value)}`).join('&')
}

function encode(text: string): string {
  return encodeURIComponent(text).replaceAll(/[!'()*]/g, (each) => `%${each.charCodeAt(0).toString(16).toUpperCase()}`)
}

function etagOf(reply: ClientReply): string {
  return reply.headers.get('etag') ?? ''
}

/** Says what the server said where the status is another. */
async function expect(reply: ClientReply, status: number): Promise<void> {
  if (reply.status === status) return
  const text = (await collect(reply, MAX_LIST_BYTES)).toString()
  throw storeError(`is refused by its server: ${reply.status} ${readErrorCode(text)}`.trimEnd())
}

async function collect(reply: ClientReply, maxBytes: number): Promise<Buffer> {
  const pieces: Buffer[] = []
  let bytes = 0
  try {
    for await (const piece of reply.body) {
      bytes += piece.length
      if (bytes > maxBytes) throw storeError(`gets more than ${maxBytes} bytes from its server`)
      pieces.push(piece)
    }
  } catch (error) {
    throw error instanceof TurnpikeError && error.code === 'ERR_MODULE_STORE' ? error : storeError('was cut off', error)
  }
  return Buffer.concat(pieces)
}
