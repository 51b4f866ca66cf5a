import { z } from 'zod'
import {
  choice,
  cidrs,
  count,
  duration,
  file,
  off,
  offOr,
  parentNames,
  parsed,
  positiveDuration,
  secret,
  size,
} from '../../core/config-fields.ts'
import { parseRate } from '../../core/units.ts'

const memberTimeouts = z.strictObject({
  connect: positiveDuration().prefault('5s').describe('Name and connection together.'),
  tls: positiveDuration().prefault('5s').describe('The TLS handshake.'),
  firstByte: positiveDuration().prefault('15s').describe("From the request to the reply's first byte."),
  stall: positiveDuration().prefault('30s').describe('Between two pieces of a reply.'),
})

const memberHealth = z.strictObject({
  interval: positiveDuration().prefault('10s').describe('From one probe of a member that is down to the next.'),
  timeout: positiveDuration().prefault('2s').describe('For one probe.'),
  unhealthyAfter: count(1, 1000)
    .default(3)
    .describe(
      'Failures in a row after which it is passed over until a probe succeeds; one is enough where no connection comes about in time.',
    ),
})

const memberTls = z.strictObject({
  ca: file().optional().describe("PEM file with the authorities that are trusted. Absent: the machine's."),
  cert: file().optional().describe('PEM file with a client certificate.'),
  key: file().optional().describe('PEM file with its private key.'),
  minVersion: choice(['1.2', '1.3']).default('1.2').describe('Lowest TLS version accepted.'),
})

/** One member of the chain. */
export const memberSchema = z.strictObject({
  timeouts: memberTimeouts.prefault({}).describe('Deadlines; all of them end before the go command gives up (G5).'),
  health: memberHealth.prefault({}).describe('When it counts as down, and how it is asked whether it is back.'),
  tls: memberTls.prefault({}).describe('TLS towards it.'),
  parent: offOr(parentNames(), 'names of parents')
    .optional()
    .describe('Names under `parents` of the proxies to go through; `off` for none. Absent: those of `goproxy.parent`.'),
})

/** `example.com`, `*.corp.example.com`, `git.example.com/team/*`: GOPRIVATE's own patterns. */
const modulePattern = parsed('a module path pattern such as git.example.com or *.corp.example.com/team', (text) => {
  if (/^[^\s,]+$/.test(text)) return text
  throw new RangeError(`${JSON.stringify(text)} is not a pattern: write one in each item, without commas and blanks`)
})

const modulePatterns = () => z.array(modulePattern).prefault([])

const credential = z
  .strictObject({
    host: z.string().min(1).describe('Host that it is for: `git.example.com`, with `:port` where it is not the usual.'),
    username: z.string().min(1).optional().describe('User name for HTTPS. Absent with `password`: `oauth2`.'),
    password: secret().optional().describe('Password or token for HTTPS.'),
    sshKey: file().optional().describe('Private key for SSH.'),
    knownHosts: file().optional().describe("Host keys for SSH. Absent: the user's own `known_hosts`."),
  })
  .refine(({ password, sshKey }) => password !== undefined || sshKey !== undefined, 'a password or an sshKey is needed')

const auth = z.strictObject({
  basic: z
    .strictObject({
      users: z.record(z.string(), secret()).describe('Users with their passwords, or the hashes of them.'),
    })
    .optional()
    .describe('User name and password: what the go command takes from a netrc file.'),
  bearer: z
    .strictObject({ tokens: z.record(z.string(), secret()).describe('Tokens, by the name that the log shows.') })
    .optional()
    .describe('`Authorization: Bearer …`: what GOAUTH sends.'),
})

const disk = z.strictObject({
  path: z.string().min(1).describe("Folder, relative to the config's own. Made where it is not there."),
  maxSize: size(1024 * 1024)
    .optional()
    .describe('Most that is kept; what was used longest ago goes first. Absent: no bound.'),
  retention: positiveDuration().optional().describe('Versions that nobody used for so long go. Absent: they stay.'),
})

const s3 = z.strictObject({
  bucket: z.string().min(1).describe('The bucket; it must be there.'),
  endpoint: z.url().describe('`https://s3.example.com` or `http://127.0.0.1:9000`; the bucket goes into the path.'),
  region: z.string().min(1).default('us-east-1').describe('Region, for the signature.'),
  accessKeyId: z.string().min(1).describe('Access key.'),
  secretAccessKey: secret().describe('Its secret.'),
  prefix: z.string().default('').describe('What every key begins with.'),
  maxSize: size(1024 * 1024)
    .optional()
    .describe('As for `disk`. Absent: no bound.'),
  retention: positiveDuration().optional().describe('As for `disk`. Absent: versions stay.'),
})

const memory = z.strictObject({
  maxSize: size(1024 * 1024)
    .prefault('256MiB')
    .describe('Most that is kept; what was used longest ago goes first.'),
})

const store = z
  .strictObject({
    disk: disk.optional().describe('A folder, which several processes may use.'),
    s3: s3.optional().describe('A bucket of an S3-compatible server, which several machines may use.'),
    memory: memory.optional().describe('Memory: gone with the process.'),
  })
  .refine((value) => Object.keys(value).length === 1, 'one of disk, s3 and memory is needed')

const sumdb = z.strictObject({
  name: z.string().min(1).default('sum.golang.org').describe('Name of the checksum database, as in GOSUMDB.'),
  key: z.string().optional().describe('Its verifier key, `NAME+HASH+KEY`. Absent: the known one of sum.golang.org.'),
  url: z.url().optional().describe('Where it is asked. Absent: the chain first, then https:// and its name.'),
  verify: z
    .boolean()
    .default(true)
    .describe('Whether every zip and go.mod is checked against it before it is kept; private modules are not.'),
})

const ownSumdb = z.strictObject({
  name: parsed('a name such as sum.example.com', (text) => {
    // What the go command takes: a host, with a path where one is wanted.
    if (/^[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*(?:\/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$/.test(text)) return text
    throw new RangeError(`${JSON.stringify(text)} is not a host name, or one with a path such as sum.example.com/team`)
  }).describe('Name of the database that this proxy is for its private modules: served under `/sumdb/NAME/`.'),
  key: secret().optional().describe('Its signing key. Absent: made at the first start, and kept in the store.'),
})

const freshness = z.strictObject({
  list: duration().prefault('1m').describe('How long a list of versions is answered from memory.'),
  latest: duration().prefault('1m').describe('How long `@latest`, and what a branch or revision is, are.'),
  notFound: duration().prefault('10m').describe('How long "does not exist" is.'),
  staleWhileError: duration()
    .prefault('24h')
    .describe('How long past that they are still answered while nobody can be asked.'),
})

const rate = parsed('a rate such as 100/s or 600/m', (text) => parseRate(text), 'rate', '/s, /m or /h')

const limits = z.strictObject({
  perClient: rate.optional().describe('Requests in the long run for each client: `600/m`. Absent: no bound.'),
  concurrentPerClient: count(1)
    .default(1000)
    .describe('Requests of one client at a time. A build farm behind one address is one client.'),
  concurrentFetches: count(1, 1000)
    .default(16)
    .describe('Zips that are fetched at a time, and as many other questions beside them; more wait.'),
  zip: size().prefault('500MiB').describe('Largest zip, and largest content of one (G21).'),
  mod: size().prefault('16MiB').describe('Largest go.mod (G21).'),
})

const publish = z.strictObject({
  users: z.array(z.string().min(1)).min(1).describe('Users of `auth` who may; a client certificate is its subject CN.'),
  modules: z.array(modulePattern).min(1).describe('What they may publish: patterns as in `private`.'),
})

/** The module proxy. Times in ms, sizes in bytes. */
export const goproxySchema = z.strictObject({
  chain: z
    .string()
    .min(1)
    .default('direct')
    .describe(
      "GOPROXY's own syntax and meaning: members behind `,` are asked on 404 and 410, behind `|` on any error.",
    ),
  upstreams: z
    .record(z.string(), memberSchema)
    .prefault({})
    .describe('Settings of members, by their URL in the chain.'),
  parent: parentNames()
    .optional()
    .describe(
      'Name under `parents` of the proxy that members, discovery, git and the checksum database are reached through, or a list. Absent: none.',
    ),
  private: modulePatterns().describe('GOPRIVATE patterns: fetched by git alone, never asked of a checksum database.'),
  repositories: z
    .record(z.string().min(1), z.string().min(1))
    .prefault({})
    .describe('Where the code of a module path prefix is: a git URL (https, ssh, file), in place of discovery.'),
  insecure: modulePatterns().describe('GOINSECURE patterns: plain http is tried, certificates are not checked.'),
  credentials: z.array(credential).prefault([]).describe('What git and discovery log in with, by host.'),
  netrc: file().optional().describe('A netrc file with more of them.'),
  guard: z
    .strictObject({
      allow: cidrs()
        .prefault([])
        .describe('Addresses that are not public and may be connected to: networks of your own git servers.'),
    })
    .prefault({})
    .describe(
      'Discovery, redirects and git remotes are other people’s choice of an address: only public ones are connected to, and these.',
    ),
  auth: offOr(auth, 'basic or bearer').prefault('off').describe('Who may ask: `off` for everybody.'),
  store: store.prefault({ memory: {} }).describe('Where modules are kept.'),
  pinned: modulePatterns().describe('Modules that never go for lack of room.'),
  coordination: z
    .strictObject({
      redis: z
        .strictObject({
          url: z
            .url({ protocol: /^rediss?$/ })
            .describe('`redis://127.0.0.1:6379/0`, with the number of the database; `rediss://` for TLS.'),
          username: z
            .string()
            .min(1)
            .optional()
            .describe("User name. Absent: that of the URL, else the server's default."),
          password: secret().optional().describe('Password. Absent: that of the URL, else none.'),
          ca: file().optional().describe("PEM file with the authorities that are trusted. Absent: the machine's."),
        })
        .describe('One fetch of a version across all replicas. While it is not there, each works alone.'),
    })
    .optional()
    .describe('How several replicas share the work. Absent: each for itself, but for the locks of a shared folder.'),
  sumdb: z
    .union([off(), sumdb])
    .prefault({})
    .describe('The checksum database that is asked, and mirrored under `/sumdb/`; `off` for none.'),
  ownSumdb: ownSumdb.optional().describe('A checksum database of its own for private modules. Absent: none.'),
  freshness: freshness.prefault({}).describe('How long answers that may change are kept.'),
  deny: modulePatterns().describe('Modules that are answered 403, so that no client walks on to the next proxy.'),
  cooldown: duration()
    .prefault('0s')
    .describe(
      'How old a version must be, since first seen here or in the checksum database; younger ones are answered 403.',
    ),
  limits: limits.prefault({}).describe('Bounds.'),
  publish: offOr(publish, '{ users, modules }').prefault('off').describe('Who may publish private modules.'),
  offline: z.boolean().default(false).describe('Whether only what is kept is served.'),
})

/** As checked, defaults applied. */
export type GoproxyConfig = z.output<typeof goproxySchema>
export type MemberConfig = GoproxyConfig['upstreams'][string]
export type StoreConfig = GoproxyConfig['store']
