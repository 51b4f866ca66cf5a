import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { startNginx } from '../test/support/peers/nginx.ts'
import type { Peer } from '../test/support/peers/spawn-peer.ts'
import { LOAD_CORE, pinnedTo } from './processes.ts'

/** What the origin answers to anything but `/large`. */
export const smallBody = 'x'.repeat(100)
/** What it answers to `/large`. */
export const largeBody = Buffer.alloc(65_536, 'turnpike bench ')

/** The fastest origin at hand: an nginx with fixed replies and no log, beside the load generator. */
export function startOrigin(): Promise<Peer> {
  return startNginx({
    name: 'origin',
    connections: 20_000,
    logOptions: 'if=$never',
    wrapper: pinnedTo(LOAD_CORE),
    http: (port, folder) => {
      writeFileSync(path.join(folder, 'large'), largeBody)
      return `
  map $uri $never { default 0; }
  keepalive_requests 1000000000;
  keepalive_timeout 600s;
  client_max_body_size 0;
  client_body_buffer_size 128k;
  sendfile on;
  tcp_nopush on;
  open_file_cache max=16 inactive=600s;
  server {
    listen 127.0.0.1:${port} backlog=8192;
    default_type text/plain;
    location / { return 200 "${smallBody}"; }
    location = /large { root ${folder}; }
  }`
    },
  })
}
