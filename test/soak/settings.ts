import type { ConfigInput } from '../../src/config/config.ts'
import type { TestCertificate } from '../support/certificates.ts'
import type { Origins } from './origins.ts'

export interface Ports {
  web: number
  secure: number
  egress: number
  /** A listener that every other config has. */
  extra: number
  admin: number
}

/**
 * The config of one reload: routes, endpoints, certificates, middleware and a listener come and go from
 * one to the next; what the loads use is in all of them.
 */
export function settingsFor(
  reload: number,
  ports: Ports,
  origins: Origins,
  certificates: readonly TestCertificate[],
  authority: string,
): ConfigInput {
  const [first, second, third] = origins.ports.map((port) => `http://127.0.0.1:${port}`)
  const certificate = certificates[reload % certificates.length]!
  const odd = reload % 2 === 1
  const come = Array.from({ length: 20 }, (_, index) => ({
    name: `come-and-go-${reload}-${index}`,
    match: { host: `h${index}.example`, path: `/r${reload}/**` },
    to: 'app',
  }))
  return {
    listeners: {
      web: { address: `127.0.0.1:${ports.web}`, door: 'gateway' },
      secure: {
        address: `127.0.0.1:${ports.secure}`,
        door: 'gateway',
        tls: { certificates: [{ cert: certificate.certFile, key: certificate.keyFile }] },
      },
      egress: { address: `127.0.0.1:${ports.egress}`, door: 'forward' },
      ...(odd ? { extra: { address: `127.0.0.1:${ports.extra}`, door: 'gateway' } } : {}),
    },
    middlewares: {
      edge: { headers: { response: { set: { 'x-reload': String(reload) } } } },
      limit: { rateLimit: { rate: '100000/s', burst: 100_000, by: 'clientIp' } },
    },
    gateway: {
      routes: [
        { name: 'dead', match: { path: '/dead/**' }, to: 'dead' },
        // The same in all of them: what is on it lives on.
        { name: 'live', match: { path: '/live/**' }, to: 'live' },
        { name: 'all', match: { path: '/**' }, use: ['edge', 'limit'], to: 'app' },
        ...come,
      ],
      upstreams: {
        app: {
          endpoints: odd ? [first!, second!] : [second!, third!, first!],
          health: { active: { path: '/healthz', interval: '500ms', timeout: '400ms' } },
          retries: { maxRetries: 1 },
          balance: odd ? 'leastConnections' : 'peakEwma',
        },
        live: { endpoints: [first!] },
        dead: { endpoints: [`http://127.0.0.1:${origins.deadPort}`] },
      },
    },
    forward: {
      auth: 'off',
      connectPorts: 'any',
      guard: { allow: ['127.0.0.0/8'] },
      rules: [
        ...Array.from({ length: reload % 3 }, (_, at) => ({ match: { host: `h${at}.example` }, deny: true as const })),
        { name: 'never', match: { host: 'never.example' }, deny: true },
        { name: 'look', match: { sni: 'a.test' }, intercept: true, use: ['edge'] },
      ],
      intercept: { authority, upstreamTls: { verify: false } },
      limits: { connectionsPerClient: 10_000 },
    },
    log: { access: { to: 'stdout', format: 'json' }, level: 'warn' },
    shutdown: { drain: '5s' },
    admin: { address: `127.0.0.1:${ports.admin}` },
  }
}
