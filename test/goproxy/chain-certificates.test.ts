import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:https'
import { test } from 'node:test'
import { TLSSocket } from 'node:tls'
import { testCertificate } from '../support/certificates.ts'
import { testChain } from '../support/goproxy/test-chain.ts'
import { portOf } from '../support/peers/free-port.ts'
import { requireProgram } from '../support/peers/require-program.ts'

test('a member is shown its client certificate, and those that it redirects to are not', async (t) => {
  if (!requireProgram(t, 'openssl')) return
  const authority = testCertificate({ subject: 'Corp CA', authority: true })
  const server = testCertificate({ subject: 'proxy', names: ['IP:127.0.0.1'], issuer: authority })
  const client = testCertificate({ subject: 'builds', issuer: authority })
  const shown: string[] = []
  const start = async (answer: (path: string) => string | null): Promise<string> => {
    const options = {
      cert: server.cert,
      key: server.key,
      ca: authority.cert,
      requestCert: true,
      rejectUnauthorized: false,
    }
    const listener = createServer(options, (request, response) => {
      shown.push(request.socket instanceof TLSSocket && request.socket.authorized ? 'certificate' : 'none')
      const location = answer(request.url!)
      if (location === null) response.end('module example.com/pump\n')
      else response.writeHead(302, { Location: location }).end()
    }).listen(0, '127.0.0.1')
    await once(listener, 'listening')
    t.after(() => {
      listener.closeAllConnections()
      listener.close()
    })
    return `https://127.0.0.1:${portOf(listener)}`
  }
  const storage = await start(() => null)
  const member = await start((path) => (path.includes('v1.0.0') ? storage : null))
  const tls = { ca: authority.certFile, cert: client.certFile, key: client.keyFile }
  const guard = { allow: ['127.0.0.0/8'] }
  const made = testChain(t, { chain: member, guard, upstreams: { [member]: { tls } } })
  await made.chain.mod('example.com/pump', 'v1.1.0', made.ask())
  assert.deepEqual(shown.splice(0), ['certificate'])
  await made.chain.mod('example.com/pump', 'v1.0.0', made.ask())
  assert.deepEqual(shown, ['certificate', 'none'])
})
