import { createWriteStream, readFileSync } from 'node:fs'
import fastifyHttpProxy from '@fastify/http-proxy'
import Fastify from 'fastify'

/** `node fastify-http-proxy-server.ts PORT ORIGIN-PORT LOG [CERT KEY]`: the package as its users run it. */
const [port, originPort, logFile, cert, key] = process.argv.slice(2)
const log = createWriteStream(logFile!, { flags: 'a' })
const https = cert === undefined ? null : { cert: readFileSync(cert), key: readFileSync(key!) }
// The types know `https: null` alone, and tell servers apart by it; here either serves.
const options: { https: null } = Object.assign({ https: null }, { https })
const app = Fastify({ ...options, keepAliveTimeout: 600_000, bodyLimit: 2 ** 31, disableRequestLogging: true })
app.addHook('onResponse', (request, reply, done) => {
  log.write(
    `${JSON.stringify({
      time: new Date().toISOString(),
      client: request.ip,
      method: request.method,
      host: request.host,
      path: request.url,
      status: reply.statusCode,
      durationMs: reply.elapsedTime,
      userAgent: request.headers['user-agent'],
    })}\n`,
  )
  done()
})
await app.register(fastifyHttpProxy, {
  upstream: `http://127.0.0.1:${originPort}`,
  undici: { connections: 256, pipelining: 1, keepAliveTimeout: 600_000 },
  replyOptions: {
    rewriteRequestHeaders: (request, headers) => ({
      ...headers,
      host: request.headers.host,
      'x-forwarded-for': request.ip,
      'x-forwarded-proto': request.protocol,
    }),
  },
})
await app.listen({ port: Number(port), host: '127.0.0.1', backlog: 8192 })
