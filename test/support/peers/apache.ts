import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { freePort } from './free-port.ts'
import { peerFolder, spawnPeer, type Peer } from './spawn-peer.ts'

const modules = '/usr/lib/apache2/modules'

/** An Apache httpd in front of a recording origin: what it forwards is what it understood. */
export async function apacheBefore(originPort: number): Promise<Peer> {
  const folder = peerFolder('apache')
  const port = await freePort()
  const load = ['mpm_event', 'authz_core', 'proxy', 'proxy_http']
    .map((name) => `LoadModule ${name}_module ${modules}/mod_${name}.so`)
    .join('\n')
  writeFileSync(
    path.join(folder, 'httpd.conf'),
    `ServerRoot ${folder}
ServerName localhost
DefaultRuntimeDir ${folder}
PidFile ${folder}/httpd.pid
Listen 127.0.0.1:${port}
${load}
${process.getuid?.() === 0 ? 'User nobody\nGroup nogroup' : ''}
StartServers 1
ServerLimit 1
ThreadsPerChild 25
MaxRequestWorkers 25
ErrorLog ${folder}/error.log
LogFormat "%m %U %>s" line
CustomLog ${folder}/access.log line
AllowEncodedSlashes NoDecode
ProxyPreserveHost On
ProxyAddHeaders Off
ProxyPass / http://127.0.0.1:${originPort}/ nocanon
`,
  )
  return spawnPeer({
    name: 'apache',
    command: ['apache2', '-DFOREGROUND', '-f', path.join(folder, 'httpd.conf')],
    port,
    folder,
    accessLog: 'access.log',
  })
}
