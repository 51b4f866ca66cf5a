import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { freePort } from './free-port.ts'
import { peerFolder, spawnPeer, type Peer } from './spawn-peer.ts'

export interface CaddyPlan {
  name?: string
  /** The Caddyfile after its global options. */
  sites: (port: number, folder: string) => string
  env?: Record<string, string>
  wrapper?: readonly string[]
}

/** A Caddy of its own: no admin address, no certificates fetched, its data in its own folder. */
export async function startCaddy(plan: CaddyPlan): Promise<Peer> {
  const folder = peerFolder(plan.name ?? 'caddy')
  const port = await freePort()
  writeFileSync(
    path.join(folder, 'Caddyfile'),
    `{
  admin off
  auto_https off
}
${plan.sites(port, folder)}
`,
  )
  return spawnPeer({
    name: plan.name ?? 'caddy',
    command: ['caddy', 'run', '--adapter', 'caddyfile', '--config', path.join(folder, 'Caddyfile')],
    port,
    folder,
    accessLog: 'access.log',
    env: { HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder, ...plan.env },
    ...(plan.wrapper === undefined ? {} : { wrapper: plan.wrapper }),
  })
}
