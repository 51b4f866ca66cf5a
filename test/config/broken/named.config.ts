import type { ConfigInput } from '../../../src/config/config.ts'

const config: ConfigInput = {
  listeners: { web: { address: ':8080', door: 'gateway' } },
  gateway: { routes: [{ name: 'all', to: 'missing' }] },
}

export default config
