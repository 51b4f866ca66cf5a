import type { ConfigInput } from '../config/config.ts'
import { loadConfigObject } from '../config/load.ts'
import { formatAddress } from '../core/address.ts'
import { command, noPositionals } from './command.ts'
import { DemoForward } from './demo-forward.ts'
import { DemoModules } from './demo-modules.ts'
import { DemoService } from './demo-service.ts'
import { loopbackPort } from './loopback-port.ts'
import { serve } from './serve.ts'

const usage = `Usage: turnpike demo

Runs a gateway on 127.0.0.1:8080 with services of its own behind it, a forward
proxy on 127.0.0.1:3128, a Go module proxy on 127.0.0.1:3000 with a few small
modules behind it, and the admin address on 127.0.0.1:9900; where one is taken, on
a free port. Nothing is opened to the outside. Ctrl-C stops it.

  -h, --help             shows this
`

/** `turnpike demo`: something to try within a minute, on loopback alone. */
export const demo = command({ usage, options: {} }, async ({ positionals }, io) => {
  noPositionals(positionals)
  const modules = await DemoModules.start()
  const forward = await DemoForward.start()
  const services = await Promise.all(['hello-1', 'hello-2', 'next'].map((name) => DemoService.start(name)))
  try {
    const [first, second, next] = services.map(({ url }) => url)
    const loaded = await loadConfigObject(await demoConfig([first!, second!], next!, modules.url, forward), {
      cwd: io.cwd,
      env: io.env,
    })
    return await serve(loaded, io, (turnpike) => {
      const web = `http://${formatAddress(turnpike.addresses.get('web')!)}`
      const egress = `http://${formatAddress(turnpike.addresses.get('egress')!)}`
      const go = `http://${formatAddress(turnpike.addresses.get('modules')!)}`
      io.stdout.write(banner(web, egress, forward.certificate, go, `http://${formatAddress(turnpike.adminAddress!)}`))
    })
  } finally {
    await Promise.all([...services, modules, forward].map((service) => service.stop()))
  }
})

async function demoConfig(hello: string[], next: string, modules: string, forward: DemoForward): Promise<ConfigInput> {
  return {
    listeners: {
      web: { address: `127.0.0.1:${await loopbackPort(8080)}`, door: 'gateway' },
      egress: { address: `127.0.0.1:${await loopbackPort(3128)}`, door: 'forward' },
      modules: { address: `127.0.0.1:${await loopbackPort(3000)}`, door: 'goproxy' },
    },
    gateway: {
      routes: [
        { name: 'hello', match: { path: '/hello/**' }, to: 'hello' },
        {
          name: 'canary',
          match: { path: '/cart/**' },
          to: [
            { upstream: 'hello', weight: 90 },
            { upstream: 'next', weight: 10 },
          ],
        },
        { name: 'old-docs', match: { path: '/docs/{rest...}' }, redirect: { path: '/hello/{rest}', status: 308 } },
        { name: 'ping', match: { path: '/ping' }, respond: { status: 200, body: 'pong\n' } },
      ],
      upstreams: { hello: { endpoints: hello }, next: { endpoints: [next] } },
    },
    forward: forward.config(hello[0]!),
    goproxy: { chain: modules, sumdb: 'off', store: { memory: {} } },
    admin: { address: `127.0.0.1:${await loopbackPort(9900)}` },
  }
}

function banner(web: string, egress: string, certificate: string, go: string, admin: string): string {
  return `Turnpike is running. Try, in another terminal:

  curl -i ${web}/hello/world      two services take turns
  curl -i ${web}/cart/1           one request in ten goes to the next version
  curl -iL ${web}/docs/guide      a redirect with a captured part
  curl -i ${web}/ping             an answer from the config
  curl -i ${web}/nowhere          an error that says who, why and which request

  curl -x ${egress} http://demo.example/        a name that this proxy knows
  curl -x ${egress.replace('http', 'socks5h')} http://demo.example/     the same port speaks SOCKS
  curl -ix ${egress} http://x.ads.example/      a rule says no
  curl -x ${egress} --cacert ${certificate} https://secure.example/    TLS that is looked into

  curl ${go}/example.com/greet/@v/list      a module's versions
  GOPROXY=${go} GONOSUMDB=example.com go run example.com/greet/cmd/greet@latest

  ${admin}/metrics         what it counts
  ${admin}/api/routes      what it would do

Each request is a line of JSON below. Ctrl-C drains and stops.

`
}
