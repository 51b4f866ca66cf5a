/** A client connection, whatever it speaks, from its first byte on. */
export interface OpenConnection {
  /** Closes it where nothing is being served; else it ends by itself, as its tunnel does. */
  drain(): void
  /** Cuts it, whatever it is doing. */
  destroy(): void
}
