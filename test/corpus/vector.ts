/** What every origin must have understood. */
export interface Meaning {
  method: string
  target: string
  body: string
  /** Default `origin.example`. */
  host?: string
  /** Fields that every origin must have seen with this value. */
  headers?: Readonly<Record<string, string>>
  /** Fields that no origin may have seen. */
  absent?: readonly string[]
}

/**
 * Bytes of a client, and what must become of them: each request of `forwarded` reaches every origin
 * meaning the same; then, where `refused` is given, an error reply with one of these statuses and the
 * end of the connection. `{id}` stands for a name of its own in each run, four bytes long as well.
 */
export interface Vector {
  name: string
  /** The spec items that it holds. */
  spec: string
  bytes: string
  forwarded: readonly Meaning[]
  refused?: readonly number[]
  /** The connection ends after the last reply. */
  closes?: true
  /** Readers that go by length and readers that go by chunks count different requests: an attack. */
  ambiguous?: true
}

const requestLine = 'POST /{id} HTTP/1.1'
const hostLine = 'Host: origin.example'

/** A message as it goes over the wire: its lines, an empty line, its body. */
export const message = (lines: readonly string[], body = ''): string => `${lines.join('\r\n')}\r\n\r\n${body}`

/** A POST with these fields. */
export const post = (fields: readonly string[], body = ''): string => message([requestLine, hostLine, ...fields], body)

/** A GET with these fields. */
export const get = (...fields: string[]): string => message(['GET /{id} HTTP/1.1', hostLine, ...fields])

/** The request that an attacker hides. */
export const smuggled = message(['GET /{id}/smuggled HTTP/1.1', hostLine])

export const posted = (body: string, more: Partial<Meaning> = {}): Meaning => ({
  method: 'POST',
  target: '/{id}',
  body,
  ...more,
})
export const got = (more: Partial<Meaning> = {}): Meaning => ({ method: 'GET', target: '/{id}', body: '', ...more })

/** One that must be refused at once; nothing of it reaches an origin. */
export const refuse = (name: string, spec: string, bytes: string, refused: readonly number[] = [400]): Vector => ({
  name,
  spec,
  bytes,
  forwarded: [],
  refused,
})

/** One that must be refused because two readers would count different requests in it. */
export const attack = (name: string, spec: string, bytes: string, refused: readonly number[] = [400]): Vector => ({
  ...refuse(name, spec, bytes, refused),
  ambiguous: true,
})

/** One that must reach every origin. */
export const forward = (name: string, spec: string, bytes: string, ...forwarded: Meaning[]): Vector => ({
  name,
  spec,
  bytes,
  forwarded,
})
