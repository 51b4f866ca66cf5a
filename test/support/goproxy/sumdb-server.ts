import { once } from 'node:events'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { escapePath } from '../../../src/gomod/module-path.ts'
import { generateSignerKey, readSignerKey } from '../../../src/gomod/sumdb/note-key.ts'
import { formatRecord } from '../../../src/gomod/sumdb/sum-record.ts'
import { SumdbLog } from '../../../src/gomod/sumdb/sumdb-log.ts'
import { parseTilePath } from '../../../src/gomod/sumdb/tile.ts'
import { escapeVersion } from '../../../src/gomod/version.ts'

/** What a database says of one version. */
export interface SummedVersion {
  module: string
  version: string
  h1: string
  modH1: string
}

/** A checksum database over HTTP, whose answers a test may change. */
export class SumdbServer {
  readonly name: string
  readonly verifierKey: string
  /** Paths in the order in which they were asked for. */
  readonly asked: string[] = []
  /** Status that every answer has instead; 0 for none. */
  fails = 0
  /** What answers become. */
  change: (path: string, bytes: Buffer) => Buffer = (_path, bytes) => bytes
  private readonly documents = new Map<string, Buffer>()
  private readonly ids = new Map<string, number>()
  private readonly log: SumdbLog
  private readonly server: Server

  private constructor(name: string, signerKey: string) {
    const signer = readSignerKey(signerKey)
    this.name = name
    this.verifierKey = signer.verifierKey
    this.log = new SumdbLog(
      {
        get: (document) => Promise.resolve(this.documents.get(document) ?? null),
        put: (document, bytes) => Promise.resolve(void this.documents.set(document, Buffer.from(bytes))),
      },
      signer,
    )
    this.server = createServer((request, response) => {
      const path = decodeURIComponent(request.url ?? '')
      this.asked.push(path)
      this.reply(path, response).catch((error: unknown) => {
        response.destroy(error instanceof Error ? error : new Error(String(error)))
      })
    })
  }

  /** Listens until the end of the test. With the same `signerKey`, two of them can be two histories of one database. */
  static async start(
    t: TestContext,
    name = 'sum.example.com',
    signerKey = generateSignerKey(name),
  ): Promise<SumdbServer> {
    const database = new SumdbServer(name, signerKey)
    database.server.listen(0, '127.0.0.1')
    await once(database.server, 'listening')
    t.after(async () => {
      database.server.closeAllConnections()
      database.server.close()
      await once(database.server, 'close')
    })
    return database
  }

  get url(): string {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it listens on TCP
    const { port } = this.server.address() as AddressInfo
    return `http://127.0.0.1:${port}`
  }

  /** Appends them with one new head. */
  async add(...versions: SummedVersion[]): Promise<void> {
    const head = await this.log.head()
    const texts = versions.map(
      ({ module, version, h1, modH1 }) => `${module} ${version} ${h1}\n${module} ${version}/go.mod ${modH1}\n`,
    )
    for (const [at, { module, version }] of versions.entries()) {
      this.ids.set(`${escapePath(module)}@${escapeVersion(version)}`, head.size + at)
    }
    await this.log.append(head, texts, new AbortController().signal)
  }

  /** Appends as many records of a module that nobody asks for. */
  async addOthers(count: number): Promise<void> {
    const from = (await this.log.head()).size
    await this.add(
      ...Array.from({ length: count }, (_, at) => ({
        module: 'example.com/others',
        version: `v1.0.${from + at}`,
        h1: 'h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=',
        modH1: 'h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=',
      })),
    )
  }

  private async reply(path: string, response: ServerResponse): Promise<void> {
    const bytes = await this.answer(path)
    response.statusCode = this.fails || (bytes === null ? 404 : 200)
    response.end(bytes === null ? `not found: ${path}` : this.change(path, bytes))
  }

  private async answer(path: string): Promise<Buffer | null> {
    const head = await this.log.head()
    if (path === '/latest') return head.note
    const tile = parseTilePath(path.slice(1))
    if (tile !== null) return this.log.tile(head, tile)
    const id = path.startsWith('/lookup/') ? this.ids.get(path.slice('/lookup/'.length)) : undefined
    const text = id === undefined ? null : await this.log.record(head, id)
    return id === undefined || text === null
      ? null
      : Buffer.concat([Buffer.from(formatRecord({ id, text })), head.note])
  }
}
