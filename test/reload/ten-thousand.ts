/** A config of that many routes, on 500 hosts and 500 upstreams, whose paths hold `mark`. */
export function manyRoutes(count: number, mark: string): string {
  const upstreams = Array.from(
    { length: Math.min(count, 500) },
    (_, index) => `    u${index}: { endpoints: ["http://127.0.0.1:${20_000 + index}"] }\n`,
  )
  const routes = Array.from(
    { length: count },
    (_, index) =>
      `    - name: route-${index}\n` +
      `      match: { host: h${index % 500}.example.com, path: /${mark}/service-${index}/**, methods: [GET, POST] }\n` +
      `      to: u${index % upstreams.length}\n`,
  )
  return `listeners: { web: { address: "127.0.0.1:0", door: gateway } }
log: { access: off }
admin: off
shutdown: { drain: 1s }
gateway:
  upstreams:
${upstreams.join('')}  routes:
    - { name: mark, match: { path: /mark }, respond: { body: ${mark} } }
${routes.join('')}`
}
