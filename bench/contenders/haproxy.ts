import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { startHaproxy } from '../../test/support/peers/haproxy.ts'
import type { Contender } from './contender.ts'

export const haproxy: Contender = {
  name: 'haproxy',
  needs: ['haproxy'],
  routes: true,
  start: ({ originPort, routes, tls, wrapper }) =>
    startHaproxy({
      wrapper,
      sections: (port, folder) => {
        if (tls !== null) {
          writeFileSync(path.join(folder, 'both.pem'), readFileSync(tls.cert, 'utf8') + readFileSync(tls.key, 'utf8'))
        }
        const map = path.join(folder, 'routes.map')
        writeFileSync(map, Array.from({ length: routes }, (_, index) => `/r${index}/ origin\n`).join(''))
        return `  timeout client 600s
  timeout http-keep-alive 600s
  http-reuse always
frontend in
  bind 127.0.0.1:${port}${tls === null ? '' : ` ssl crt ${folder}/both.pem`} backlog 8192
  maxconn 19000
  option forwardfor
  http-request set-header X-Forwarded-Proto ${tls === null ? 'http' : 'https'}
  ${routes === 0 ? 'default_backend origin' : `use_backend %[path,map_beg(${map})]`}
backend origin
  server origin 127.0.0.1:${originPort} pool-max-conn 256
`
      },
    }),
}
