import { createWriteStream, readFileSync } from 'node:fs'
import http from 'node:http'
import https from 'node:https'
import httpProxy from 'http-proxy'

/** `node http-proxy-server.ts PORT ORIGIN-PORT LOG [CERT KEY]`: the package as its users run it. */
const [port, originPort, logFile, cert, key] = process.argv.slice(2)
const log = createWriteStream(logFile!, { flags: 'a' })
const proxy = httpProxy.createProxyServer({
  target: `http://127.0.0.1:${originPort}`,
  agent: new http.Agent({ keepAlive: true, maxFreeSockets: 256 }),
  xfwd: true,
})
proxy.on('error', (error, _request, response) => {
  if ('writeHead' in response) response.writeHead(502)
  response.end(error.message)
})

function serve(request: http.IncomingMessage, response: http.ServerResponse): void {
  const startedAt = performance.now()
  response.on('finish', () => {
    log.write(
      `${JSON.stringify({
        time: new Date().toISOString(),
        client: request.socket.remoteAddress,
        method: request.method,
        host: request.headers.host,
        path: request.url,
        status: response.statusCode,
        durationMs: performance.now() - startedAt,
        userAgent: request.headers['user-agent'],
      })}\n`,
    )
  })
  proxy.web(request, response)
}

const server =
  cert === undefined
    ? http.createServer(serve)
    : https.createServer({ cert: readFileSync(cert), key: readFileSync(key!) }, serve)
server.keepAliveTimeout = 600_000
server.listen(Number(port), '127.0.0.1', 8192)
