import type { ConfigInput } from '../../../src/config/config.ts'

const config: ConfigInput = {
  listeners: { web: { address: ':8080', door: 'gateway' } },
  gateway: {
    routes: [{ name: 'all', match: { path: '/**' }, to: 'app' }],
    upstreams: { app: { endpoints: ['http://127.0.0.1:9000'] } },
  },
}

export default config
