import { ipBytes, isIPv6 } from '../core/ip.ts'
import { der } from './der.ts'
import { DerReader } from './der-reader.ts'

const DNS = 2
const ADDRESS = 7
const NO_NAME = der.context(DNS, new Uint8Array(0), false)
const everyAddress = [8, 32].map((length) => der.context(ADDRESS, new Uint8Array(length), false))

/** What an authority may sign for: name constraints (RFC 5280 §4.2.1.10), which clients hold it to. */
export class NameScope {
  /** Each stands for itself and every name below it. */
  private readonly domains: readonly string[]
  /** An address and its mask, one behind the other. */
  private readonly ranges: readonly Uint8Array[]

  private constructor(domains: readonly string[], ranges: readonly Uint8Array[]) {
    this.domains = domains
    this.ranges = ranges
  }

  /** Of domains and address ranges such as `10.0.0.0/8`. Throws a RangeError for what is neither. */
  static of(texts: readonly string[]): NameScope {
    const domains: string[] = []
    const ranges: Uint8Array[] = []
    for (const text of texts) {
      const range = rangeBytes(text)
      if (range !== null) ranges.push(range)
      else if (isDnsName(text)) domains.push(text.toLowerCase())
      else throw new RangeError(`${JSON.stringify(text)} is neither a domain nor a range of addresses`)
    }
    return new NameScope(domains, ranges)
  }

  /** Of the content of the extension. Throws a RangeError for another kind of it. */
  static read(content: Buffer): NameScope {
    const permitted = new DerReader(content).into().nextIf(0xa0)
    const domains: string[] = []
    const ranges: Uint8Array[] = []
    for (const list = new DerReader(permitted?.content ?? Buffer.alloc(0)); !list.done;) {
      const name = list.into().next()
      if (name.tag === (0x80 | DNS)) domains.push(name.content.toString('latin1').toLowerCase())
      else if (name.tag === (0x80 | ADDRESS)) ranges.push(name.content)
    }
    return new NameScope(domains, ranges)
  }

  /** The content of the extension. What kind of name is not permitted at all is excluded: else it would be free. */
  encoded(): Buffer {
    const { domains, ranges } = this
    const permitted = [
      ...domains.map((domain) => der.context(DNS, Buffer.from(domain, 'latin1'), false)),
      ...ranges.map((range) => der.context(ADDRESS, range, false)),
    ]
    const excluded = [
      ...(domains.length === 0 ? [NO_NAME] : []),
      ...everyAddress.filter((every) => !ranges.some(({ length }) => length === every.length - 2)),
    ]
    return der.sequence(subtrees(0, permitted), ...(excluded.length === 0 ? [] : [subtrees(1, excluded)]))
  }

  permits(name: string): boolean {
    const bytes = ipBytes(name)
    if (bytes === null) return this.domains.some((domain) => name === domain || name.endsWith(`.${domain}`))
    const address = isIPv6(name) ? bytes : bytes.subarray(12)
    return this.ranges.some((range) => isWithin(address, range))
  }
}

/** Of letters, digits, `-` and `_`, as certificates and their readers take it. */
export function isDnsName(text: string): boolean {
  return text.length <= 253 && /^(?:\*\.)?[a-z0-9_](?:[a-z0-9_-]*)(?:\.[a-z0-9_-]{1,63})*$/i.test(text)
}

function subtrees(number: number, names: readonly Buffer[]): Buffer {
  return der.context(number, Buffer.concat(names.map((name) => der.sequence(name))), true)
}

function isWithin(address: Uint8Array, range: Uint8Array): boolean {
  const { length } = address
  return range.length === 2 * length && address.every((byte, at) => (byte & range[length + at]!) === range[at])
}

/** Null for what is no address with a prefix length; one without is a single address. */
function rangeBytes(text: string): Uint8Array | null {
  const [address = '', bits] = text.split('/')
  const mapped = ipBytes(address)
  if (mapped === null) return null
  const bytes = isIPv6(address) ? mapped : mapped.subarray(12)
  const prefix = bits === undefined ? bytes.length * 8 : Number(bits)
  if (!/^\d{0,3}$/.test(bits ?? '') || bits === '' || prefix > bytes.length * 8) return null
  const mask = bytes.map((_, at) => 0xff & ~(0xff >> Math.max(0, Math.min(8, prefix - 8 * at))))
  return Uint8Array.from([...bytes.map((byte, at) => byte & mask[at]!), ...mask])
}
