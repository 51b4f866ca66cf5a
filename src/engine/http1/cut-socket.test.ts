import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { test, type TestContext } from 'node:test'
import { portOf } from '../../../test/support/peers/free-port.ts'
import { cutSocket } from './cut-socket.ts'

/** Both ends of a connection; the other one is not read. */
async function pair(t: TestContext): Promise<[mine: Socket, theirs: Socket]> {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const arrived = once(server, 'connection')
  const mine = connect({ port: portOf(server), host: '127.0.0.1', allowHalfOpen: true })
  await once(mine, 'connect')
  const [theirs]: Socket[] = await arrived
  t.after(() => {
    server.close()
    theirs!.destroy()
  })
  return [mine, theirs!]
}

test('H7 what is cut is reset', async (t) => {
  const [mine, theirs] = await pair(t)
  theirs.resume()
  const reset = once(theirs, 'error')
  cutSocket(mine, false)
  assert.equal((await reset)[0].code, 'ECONNRESET')
})

test('H7 also with its end announced, while bytes before it have not left', async (t) => {
  const [mine, theirs] = await pair(t)
  mine.write(Buffer.alloc(20_000_000))
  mine.end()
  const reset = once(theirs, 'error')
  cutSocket(mine, false)
  theirs.resume()
  assert.equal((await reset)[0].code, 'ECONNRESET')
})

test('what ended just before is closed all the same', async (t) => {
  const [mine, theirs] = await pair(t)
  theirs.resume()
  mine.end()
  cutSocket(mine, false)
  await Promise.all([once(mine, 'close'), once(theirs, 'end')])
})
