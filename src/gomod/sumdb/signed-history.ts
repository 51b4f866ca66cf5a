import { openNote } from './note.ts'
import type { Verifier } from './note-key.ts'
import { checkTree, proveTree } from './proof.ts'
import { SumdbError } from './sumdb-error.ts'
import type { SumdbPorts } from './sumdb-ports.ts'
import type { Tile } from './tile.ts'
import type { TileCache } from './tile-cache.ts'
import { emptyTreeHash } from './tree-hash.ts'
import { parseTreeHead, type TreeHead } from './tree-head.ts'
import { TreeTiles } from './tree-tiles.ts'

/** A signed head, and the tiles of its tree. */
export interface SignedTree {
  /** As it was signed; empty for the tree that every history begins with. */
  note: Buffer
  tiles: TreeTiles
}

interface Waiting {
  note: Buffer
  head: TreeHead
  merged: () => void
  refused: (error: unknown) => void
}

/** The one history of signed heads that a client believes: each tree begins with the one before it (G26). */
export class SignedHistory {
  private readonly verifier: Verifier
  private readonly ports: SumdbPorts
  private readonly cache: TileCache
  private newest: SignedTree
  private opening: Promise<void> | null = null
  private waiting: Waiting[] = []
  private merging = false

  constructor(verifier: Verifier, ports: SumdbPorts, cache: TileCache) {
    this.verifier = verifier
    this.ports = ports
    this.cache = cache
    this.newest = { note: Buffer.alloc(0), tiles: this.believedTiles({ size: 0, hash: emptyTreeHash }) }
  }

  /** The newest that is known. */
  get latest(): SignedTree {
    return this.newest
  }

  /** Reads what was written down last, once. */
  open(): Promise<void> {
    this.opening ??= this.catchUp().catch((error: unknown) => {
      this.opening = null
      throw error
    })
    return this.opening
  }

  /** Takes in what was written down last, by others of the same cache too. */
  async catchUp(): Promise<void> {
    const note = await this.ports.readLatest()
    if (note !== null) await this.enqueue(note)
  }

  /** Takes a signed head in; writes it down where it is the newest. Rejects with a SumdbError where it is on another history. */
  async merge(note: Buffer): Promise<void> {
    await this.open()
    await this.enqueue(note)
  }

  private enqueue(note: Buffer): Promise<void> {
    const head = this.read(note)
    const { promise, resolve: merged, reject: refused } = Promise.withResolvers<void>()
    this.waiting.push({ note, head, merged, refused })
    if (!this.merging) void this.mergeWaiting()
    return promise
  }

  /**
   * A database that grows gives every lookup a head of its own. Of those that are there the largest goes first: its
   * tiles are enough to check the others.
   */
  private async mergeWaiting(): Promise<void> {
    this.merging = true
    while (this.waiting.length > 0) {
      const batch = this.waiting.toSorted((a, b) => b.head.size - a.head.size)
      this.waiting = []
      const good: Waiting[] = []
      const before = this.newest
      for (const one of batch) {
        try {
          await this.take(one.head, one.note)
          good.push(one)
        } catch (error) {
          one.refused(error)
        }
      }
      try {
        if (this.newest !== before) await this.saveLatest()
        for (const one of good) one.merged()
      } catch (error) {
        for (const one of good) one.refused(error)
      }
    }
    this.merging = false
  }

  private async saveLatest(): Promise<void> {
    for (;;) {
      const written = await this.ports.readLatest()
      // Another process may be further on, or on another history.
      if (written !== null) await this.take(this.read(written), written)
      if (written?.equals(this.newest.note) === true) return
      if (await this.ports.writeLatest(written, this.newest.note)) return
    }
  }

  private read(note: Buffer): TreeHead {
    return parseTreeHead(openNote(note, [this.verifier]).text)
  }

  /** Called by one at a time. */
  private async take(head: TreeHead, note: Buffer): Promise<void> {
    const known = this.newest
    if (head.size <= known.tiles.head.size) return this.checkBegins(known, head, note)
    // Tiles that only the new head vouches for are kept once it is known to go on from what was believed.
    const unproven: [Tile, Buffer][] = []
    const tiles = new TreeTiles(head, {
      read: (tile, fresh) => this.cache.read(tile, fresh),
      verified: async (tile, bytes) => void unproven.push([tile, bytes]),
    })
    await this.checkBegins({ note, tiles }, known.tiles.head, known.note)
    this.newest = { note, tiles: this.believedTiles(head) }
    await Promise.all(unproven.map(([tile, bytes]) => this.cache.keep(tile, bytes)))
  }

  /** Checks that a tree begins with an older one; reads all that other clients need to check its head. */
  private async checkBegins(newer: SignedTree, older: TreeHead, olderNote: Buffer): Promise<void> {
    const { head } = newer.tiles
    await newer.tiles.hashAt(head.size)
    const hash = await newer.tiles.hashAt(older.size)
    if (hash.equals(older.hash)) return
    const proof = older.size === 0 ? [] : await proveTree(head.size, older.size, newer.tiles.hash)
    if (older.size > 0 && !checkTree(proof, head.size, head.hash, older.size, hash)) {
      throw new SumdbError('The tiles of the newer tree contradict its hash')
    }
    throw new SumdbError(
      `${this.verifier.name} has signed two histories: its tree of ${head.size} does not begin with its tree of ${older.size}`,
      [
        `older head:\n${olderNote.toString()}`,
        `newer head:\n${newer.note.toString()}`,
        `hash of the first ${older.size} records in the newer tree: ${hash.toString('base64')}`,
        `proof: ${proof.map((one) => one.toString('base64')).join(' ')}`,
      ].join('\n'),
    )
  }

  private believedTiles(head: TreeHead): TreeTiles {
    return new TreeTiles(head, {
      read: (tile, fresh) => this.cache.read(tile, fresh),
      verified: (tile, bytes) => this.cache.keep(tile, bytes),
    })
  }
}
