import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { freePort } from './free-port.ts'
import { peerFolder, spawnPeer, type Peer } from './spawn-peer.ts'

export interface HaproxyPlan {
  name?: string
  /** Sections after `global` and `defaults`. */
  sections: (port: number, folder: string) => string
  wrapper?: readonly string[]
}

/** An HAProxy of its own: one thread, foreground, its access log on stdout. */
export async function startHaproxy(plan: HaproxyPlan): Promise<Peer> {
  const folder = peerFolder(plan.name ?? 'haproxy')
  const port = await freePort()
  writeFileSync(
    path.join(folder, 'haproxy.cfg'),
    `global
  nbthread 1
  log stdout format raw local0 info
defaults
  mode http
  log global
  option httplog
  timeout connect 5s
  timeout client 60s
  timeout server 60s
${plan.sections(port, folder)}
`,
  )
  return spawnPeer({
    name: plan.name ?? 'haproxy',
    command: ['haproxy', '-db', '-f', path.join(folder, 'haproxy.cfg')],
    port,
    folder,
    ...(plan.wrapper === undefined ? {} : { wrapper: plan.wrapper }),
  })
}

/** An HAProxy in front of a recording origin: what it forwards is what it understood. */
export function haproxyBefore(originPort: number): Promise<Peer> {
  return startHaproxy({
    sections: (port) => `frontend in
  bind 127.0.0.1:${port}
  log-format "%HM %HU %ST"
  default_backend origin
backend origin
  server origin 127.0.0.1:${originPort}
`,
  })
}
