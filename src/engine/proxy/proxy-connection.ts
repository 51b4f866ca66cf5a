/** A connection of a proxy, whatever it speaks, from its first byte on. */
export interface ProxyConnection {
  /** Closes it where nothing is being served; else it ends by itself, as its tunnel does. */
  drain(): void
  /** Cuts it, whatever it is doing. */
  destroy(): void
}
