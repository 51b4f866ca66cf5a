/** Says which addresses may be connected to (F8). Asked for each resolved address, and what it allows is what is dialled. */
export interface AddressGuard {
  /** Stands for the guard in keys of shared pools: two with the same key allow the same. */
  readonly key: string
  /** `address` is an IPv4 or IPv6 address as the resolver gave it. */
  allows(address: string, port: number): boolean
}
