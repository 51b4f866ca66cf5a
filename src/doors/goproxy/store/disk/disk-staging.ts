import { open, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Ledger } from '../../../../engine/ledger.ts'
import type { Occupancy } from '../occupancy.ts'
import { storeError } from '../store-error.ts'
import { DiskStagedFile } from './disk-staged-file.ts'
import { ifThere, unlinkIfThere } from './durable.ts'
import { hasEnded, ownIdentity } from './process-identity.ts'

/** Of processes that cannot be seen from here: what nobody wrote to for so long is nobody's. */
const FOREIGN_LEFTOVER_MS = 24 * 3_600_000

/** Names are this process's alone, whoever else uses the folder, and whichever of its stores. */
let sequence = 0

/** The folder of files that are being written, in the same file system as the one that they are for. */
export class DiskStaging {
  private readonly folder: string
  private readonly ledger: Ledger
  private readonly occupancy: Occupancy

  constructor(folder: string, ledger: Ledger, occupancy: Occupancy) {
    this.folder = folder
    this.ledger = ledger
    this.occupancy = occupancy
  }

  /** A path for a file of ours. */
  temporary(): string {
    return join(this.folder, `${ownIdentity}.${sequence++}`)
  }

  async create(): Promise<DiskStagedFile> {
    const path = this.temporary()
    try {
      return new DiskStagedFile(await open(path, 'wx+'), path, this.ledger, this.occupancy)
    } catch (error) {
      throw storeError('cannot take a file', error)
    }
  }

  /** Removes what processes left that have ended. */
  async sweep(nowMs: number): Promise<number> {
    let swept = 0
    for (const name of await readdir(this.folder)) {
      const path = join(this.folder, name)
      const ended = hasEnded(name) ?? nowMs - ((await ifThere(stat(path)))?.mtimeMs ?? nowMs) > FOREIGN_LEFTOVER_MS
      if (ended && (await unlinkIfThere(path))) swept++
    }
    return swept
  }
}
