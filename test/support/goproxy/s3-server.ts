import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { StoreConfig } from '../../../src/doors/goproxy/config.ts'
import { Secret } from '../../../src/core/secret.ts'
import { freePort } from '../peers/free-port.ts'
import { peerFolder, spawnPeer, type Peer } from '../peers/spawn-peer.ts'

export interface S3Server {
  peer: Peer
  /** The config of a store in its bucket. A prefix keeps tests apart. */
  store(prefix: string): { s3: NonNullable<StoreConfig['s3']> }
  /** Where an object of that key lies. */
  file(key: string): string
}

/** versitygw on a folder, with one bucket. Its caller stops the peer. */
export async function startS3Server(): Promise<S3Server> {
  const folder = peerFolder('s3')
  mkdirSync(join(folder, 'data', 'modules'), { recursive: true })
  const port = await freePort()
  const keys = ['--access', 'minio', '--secret', 'miniosecret']
  const peer = await spawnPeer({
    name: 'versitygw',
    command: ['versitygw', '--port', `127.0.0.1:${port}`, ...keys, 'posix', join(folder, 'data')],
    port,
    folder,
  })
  return {
    peer,
    store: (prefix) => ({
      s3: {
        bucket: 'modules',
        endpoint: `http://127.0.0.1:${port}`,
        region: 'us-east-1',
        accessKeyId: 'minio',
        secretAccessKey: Secret.of('miniosecret'),
        prefix,
      },
    }),
    file: (key) => join(folder, 'data', 'modules', key),
  }
}
