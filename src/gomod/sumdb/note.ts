import { readBase64 } from './base64.ts'
import { isKeyName, type Signer, type Verifier } from './note-key.ts'
import { SumdbError } from './sumdb-error.ts'

/** As many as x/mod takes: each costs a curve operation. */
const MOST_SIGNATURES = 100

export interface NoteSignature {
  name: string
  keyHash: number
  base64: string
}

/** A signed note that was opened (G26). */
export interface Note {
  /** With the newline at its end. */
  text: string
  /** Those of known keys, which are all right. */
  signatures: NoteSignature[]
  /** Those of unknown keys. */
  unverified: NoteSignature[]
}

/**
 * Reads a signed note: text, an empty line, signatures. Keys that nobody knows are passed over; one bad signature of
 * a known key, or none of any, rejects the note (G26). Throws a SumdbError.
 */
export function openNote(bytes: Uint8Array, verifiers: readonly Verifier[]): Note {
  const message = readText(bytes)
  const split = message.lastIndexOf('\n\n')
  if (split < 0 || !message.endsWith('\n') || split + 2 === message.length) throw malformed()
  const text = message.slice(0, split + 1)
  const lines = message.slice(split + 2, -1).split('\n')
  if (lines.length > MOST_SIGNATURES) throw malformed()
  const note: Note = { text, signatures: [], unverified: [] }
  for (const line of lines) addSignature(note, line, verifiers)
  if (note.signatures.length === 0) throw new SumdbError('The note is not signed by a key that is known')
  return note
}

/** A note with the signatures of `signers`, after those that it has already. Throws a SumdbError. */
export function signNote(text: string, signers: readonly Signer[], others: readonly NoteSignature[] = []): Buffer {
  if (!text.endsWith('\n')) throw malformed()
  const bytes = Buffer.from(text)
  const made = signers.map((signer) => {
    const hash = Buffer.alloc(4)
    hash.writeUInt32BE(signer.keyHash)
    const base64 = Buffer.concat([hash, signer.sign(bytes)]).toString('base64')
    return { name: signer.name, keyHash: signer.keyHash, base64 }
  })
  const kept = others.filter((other) => !made.some((one) => isSameKey(one, other)))
  const lines = [...kept, ...made].map(({ name, base64 }) => `— ${name} ${base64}\n`)
  return Buffer.from(`${text}\n${lines.join('')}`)
}

function addSignature(note: Note, line: string, verifiers: readonly Verifier[]): void {
  const [, name = '', base64 = ''] = /^— ([^ ]+) (.+)$/.exec(line) ?? []
  const bytes = readBase64(base64)
  if (bytes === null || bytes.length < 5 || !isKeyName(name)) throw malformed()
  const signature = { name, keyHash: bytes.readUInt32BE(0), base64 }
  const known = verifiers.filter((verifier) => isSameKey(verifier, signature))
  if (known.length > 1) throw new SumdbError(`Two known keys are both called ${name}, with the same hash`)
  const [verifier] = known
  if (verifier === undefined) {
    if (!note.unverified.some((other) => other.name === name && other.base64 === base64)) {
      note.unverified.push(signature)
    }
    return
  }
  if (note.signatures.some((other) => isSameKey(other, signature))) return
  if (!verifier.verify(Buffer.from(note.text), bytes.subarray(4))) {
    throw new SumdbError(`The signature of ${name} is not right`)
  }
  note.signatures.push(signature)
}

function isSameKey(a: { name: string; keyHash: number }, b: { name: string; keyHash: number }): boolean {
  return a.name === b.name && a.keyHash === b.keyHash
}

/** UTF-8 without control characters other than newlines. */
function readText(bytes: Uint8Array): string {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw malformed()
  }
  // oxlint-disable-next-line no-control-regex -- they are what is looked for
  if (/[\u0000-\u0009\u000b-\u001f]/.test(text)) throw malformed()
  return text
}

function malformed(): SumdbError {
  return new SumdbError('The signed note is malformed')
}
