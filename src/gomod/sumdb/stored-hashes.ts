/**
 * Where the hash over `2 ** level` records number `n` stands in the one list that a log without tiles keeps: every
 * hash follows those that it is made of (golang.org/x/mod/sumdb/tlog, StoredHashIndex).
 */
export function storedHashIndex(level: number, n: number): number {
  // The record whose arrival makes it.
  let record = n
  for (let at = 0; at < level; at++) record = 2 * record + 1
  let before = 0
  for (let rest = record; rest > 0; rest = Math.floor(rest / 2)) before += rest
  return before + level
}

/** The other way round. */
export function splitStoredHashIndex(index: number): { level: number; n: number } {
  let record = Math.floor(index / 2)
  while (storedHashIndex(0, record + 1) <= index) record++
  const level = index - storedHashIndex(0, record)
  return { level, n: Math.floor(record / 2 ** level) }
}

/** How many hashes a log of `size` records keeps. */
export function storedHashCount(size: number): number {
  let count = 0
  for (let rest = size; rest > 0; rest = Math.floor(rest / 2)) count += rest
  return count
}
