import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { freePort } from './free-port.ts'
import { peerFolder, spawnPeer, type Peer } from './spawn-peer.ts'

export interface NginxPlan {
  name?: string
  /** What goes into `http { … }` besides log and temporary paths. */
  http: (port: number, folder: string) => string
  /** Top-level directives. Default: one worker. */
  main?: string
  /** Blocks behind `http { … }`. Default: none. */
  behind?: (port: number, folder: string) => string
  /** Default 1024. */
  connections?: number
  /** The log_format of `access.log`. */
  logFormat?: string
  /** After the format in `access_log`. Default: each line is written at once. */
  logOptions?: string
  wrapper?: readonly string[]
}

/** An nginx of its own: own folder, own port, foreground, as root or not. */
export async function startNginx(plan: NginxPlan): Promise<Peer> {
  const folder = peerFolder(plan.name ?? 'nginx')
  const port = await freePort()
  mkdirSync(path.join(folder, 'temp'))
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((kind) => `  ${kind}_temp_path ${folder}/temp/${kind};`)
    .join('\n')
  const format = plan.logFormat ?? '$request_method $request_uri $status $request_length'
  writeFileSync(
    path.join(folder, 'nginx.conf'),
    `${process.getuid?.() === 0 ? 'user root;' : ''}
daemon off;
pid ${folder}/nginx.pid;
error_log stderr;
${plan.main ?? 'worker_processes 1;'}
events { worker_connections ${plan.connections ?? 1024}; }
http {
${temporary}
  log_format line '${format}';
  access_log ${folder}/access.log line ${plan.logOptions ?? ''};
${plan.http(port, folder)}
}
${plan.behind?.(port, folder) ?? ''}
`,
  )
  return spawnPeer({
    name: plan.name ?? 'nginx',
    command: ['nginx', '-p', folder, '-e', 'stderr', '-c', path.join(folder, 'nginx.conf')],
    port,
    folder,
    accessLog: 'access.log',
    ...(plan.wrapper === undefined ? {} : { wrapper: plan.wrapper }),
  })
}

/** An nginx in front of a recording origin: what it forwards is what it understood. */
export function nginxBefore(originPort: number): Promise<Peer> {
  return startNginx({
    http: (port) => `  upstream origin { server 127.0.0.1:${originPort}; }
  underscores_in_headers on;
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://origin;
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
      proxy_set_header Connection "";
    }
  }`,
  })
}
