import { startCaddy } from '../../test/support/peers/caddy.ts'
import type { Contender } from './contender.ts'

export const caddy: Contender = {
  name: 'caddy',
  needs: ['caddy'],
  routes: false,
  start: ({ originPort, tls, wrapper }) =>
    startCaddy({
      wrapper,
      env: { GOMAXPROCS: '1' },
      sites: (port, folder) => `${tls === null ? 'http' : 'https'}://:${port} {
  bind 127.0.0.1
  ${tls === null ? '' : `tls ${tls.cert} ${tls.key}`}
  log {
    output file ${folder}/access.log
  }
  reverse_proxy 127.0.0.1:${originPort} {
    transport http {
      keepalive_idle_conns_per_host 256
    }
  }
}`,
    }),
}
