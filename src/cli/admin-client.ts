import http from 'node:http'
import { formatAddress, parseAddress, type ListenAddress } from '../core/address.ts'
import { loadConfig } from '../config/load.ts'
import { findConfigFile } from '../config/find.ts'
import { ConfigError } from '../config/errors.ts'
import { FaultError, UsageError } from './command.ts'
import type { CliIo } from './io.ts'

const REQUEST_MS = 5_000
const RELOAD_MS = 90_000
const DEFAULT_ADDRESS = '127.0.0.1:9900'

/** Where a running process is asked about itself. */
export interface AdminTarget {
  address: ListenAddress
  token: string | null
}

/**
 * The admin address to ask: `given` (`127.0.0.1:9900`, `http://localhost:9900`, `unix:/run/x.sock`), else the
 * config's, else the default one. The token is `TURNPIKE_ADMIN_TOKEN`, else the config's where the address is.
 * Throws a UsageError for what is wrong with `given`, a FaultError where the config has no admin address.
 */
export async function findAdmin(
  given: string | undefined,
  config: string | undefined,
  io: CliIo,
): Promise<AdminTarget> {
  const token = io.env['TURNPIKE_ADMIN_TOKEN'] ?? null
  if (given !== undefined) return { address: parseAdmin(given), token }
  const file = config ?? (await findConfigFile(io.cwd))
  if (file === undefined) return { address: parseAddress(DEFAULT_ADDRESS), token }
  try {
    const { admin } = (await loadConfig(file, { cwd: io.cwd, env: io.env })).config
    if (admin === null) throw new FaultError(`${file} switches the admin address off.`)
    return { address: reachable(admin.address), token: token ?? admin.token?.reveal() ?? null }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    throw new FaultError(`${file} cannot be read for the admin address: name it with --admin URL.`, { cause: error })
  }
}

function parseAdmin(text: string): ListenAddress {
  const bare = text.replace(/^http:\/\//, '').replace(/\/$/, '')
  try {
    return reachable(parseAddress(bare.replace(/^localhost(?=:)/, '127.0.0.1')))
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new UsageError(error.message, { cause: error })
  }
}

/** Where to connect for what listens there: on every address means on loopback too. */
function reachable(address: ListenAddress): ListenAddress {
  return address.kind === 'tcp' && ['', '0.0.0.0', '::'].includes(address.host)
    ? { ...address, host: '127.0.0.1' }
    : address
}

/** The JSON that the admin API answers with. Rejects with a FaultError where there is no answer. */
export async function askAdmin(
  { address, token }: AdminTarget,
  path: string,
  method: 'GET' | 'POST' = 'GET',
): Promise<{ status: number; body: unknown }> {
  const where = formatAddress(address)
  const target = address.kind === 'unix' ? { socketPath: address.path } : { host: address.host, port: address.port }
  const answered = Promise.withResolvers<{ status: number; text: string }>()
  const request = http.request({
    ...target,
    path,
    method,
    agent: false,
    // A reload is answered when it is over.
    timeout: method === 'POST' ? RELOAD_MS : REQUEST_MS,
    headers: {
      Host: address.kind === 'unix' ? 'localhost' : where,
      ...(token !== null && { Authorization: `Bearer ${token}` }),
    },
  })
  request.on('response', (response) => {
    let text = ''
    response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
    response.on('end', () => answered.resolve({ status: response.statusCode ?? 0, text }))
    response.on('error', answered.reject)
  })
  request.on('timeout', () => request.destroy(new Error('no answer in time')))
  request.on('error', answered.reject)
  request.end()
  try {
    const { status, text } = await answered.promise
    return { status, body: JSON.parse(text) }
  } catch (error) {
    const why = error instanceof SyntaxError ? 'what answers there is not Turnpike' : describe(error)
    throw new FaultError(`The admin API at ${where} could not be asked: ${why}.`, { cause: error })
  }
}

/** What an error of the admin API says. */
export function messageOf(body: unknown): string | null {
  const error = typeof body === 'object' && body !== null && 'error' in body ? body.error : null
  return typeof error === 'object' && error !== null && 'message' in error ? String(error.message) : null
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if ('code' in error && error.code === 'ECONNREFUSED') return 'nothing listens there; is Turnpike running?'
  return error.message
}
