import { startNginx } from '../../test/support/peers/nginx.ts'
import type { Contender } from './contender.ts'

const combined =
  '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"'

// Buffers are large enough that no 64 KiB body touches a disk; connections are never retired by count.
const proxying = `proxy_pass http://origin;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-Host $http_host;`

function nginxWith(name: string, logOptions: string): Contender {
  return {
    name,
    needs: ['nginx'],
    routes: true,
    start: ({ originPort, routes, tls, wrapper }) =>
      startNginx({
        name,
        connections: 20_000,
        logFormat: combined,
        logOptions,
        wrapper,
        http: (port) => `
  keepalive_requests 1000000000;
  keepalive_timeout 600s;
  client_body_buffer_size 128k;
  client_max_body_size 0;
  proxy_buffer_size 16k;
  proxy_buffers 16 16k;
  upstream origin { server 127.0.0.1:${originPort}; keepalive 256; keepalive_requests 1000000000; }
  server {
    listen 127.0.0.1:${port}${tls === null ? '' : ' ssl'} backlog=8192;
    ${tls === null ? '' : `ssl_certificate ${tls.cert}; ssl_certificate_key ${tls.key};`}
    ${locations(routes)
      .map((path) => `location ${path} {\n      ${proxying}\n    }`)
      .join('\n    ')}
  }`,
      }),
  }
}

function locations(routes: number): string[] {
  return routes === 0 ? ['/'] : Array.from({ length: routes }, (_, index) => `/r${index}/`)
}

/** As installed: each line of its access log is written at once. */
export const nginx = nginxWith('nginx', '')
/** The same with its log lines gathered into blocks of 64 KiB, as Turnpike gathers its own. */
export const nginxBuffered = nginxWith('nginx-buffered-log', 'buffer=64k flush=1s')
