import path from 'node:path'
import { freePort } from './free-port.ts'
import { peerFolder, spawnPeer, type Peer } from './spawn-peer.ts'

const command = path.resolve(import.meta.dirname, '../../../src/cli/main.ts')

/** `turnpike gateway --to` an origin, from source, as a process of its own. */
export async function turnpikeBefore(originPort: number): Promise<Peer> {
  const folder = peerFolder('turnpike')
  const port = await freePort()
  return spawnPeer({
    name: 'turnpike',
    command: [
      process.execPath,
      command,
      'gateway',
      '--to',
      `http://127.0.0.1:${originPort}`,
      '--listen',
      `127.0.0.1:${port}`,
    ],
    port,
    folder,
    stopSignal: 'SIGINT',
  })
}
