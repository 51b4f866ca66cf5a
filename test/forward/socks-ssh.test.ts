import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { startForward } from '../support/forward/start-forward.ts'
import { freePort } from '../support/peers/free-port.ts'
import { startMicrosocks } from '../support/peers/parents.ts'
import { requireProgram } from '../support/peers/require-program.ts'
import { peerFolder, spawnPeer, type Peer } from '../support/peers/spawn-peer.ts'

/** An SSH server that lets in who has the key `user` of its folder. */
async function startSshd(t: TestContext): Promise<Peer> {
  const folder = peerFolder('sshd')
  for (const name of ['host', 'user'])
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, name)])
  copyFileSync(join(folder, 'user.pub'), join(folder, 'authorized'))
  const port = await freePort()
  writeFileSync(
    join(folder, 'sshd.conf'),
    `ListenAddress 127.0.0.1:${port}\nHostKey ${folder}/host\nAuthorizedKeysFile ${folder}/authorized\nStrictModes no
UsePAM no\nPidFile none\nPasswordAuthentication no\nPermitRootLogin prohibit-password\n`,
  )
  // Where it is started as root, it wants a folder of its own to be there.
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true })
  const sshd = await spawnPeer({
    name: 'sshd',
    command: ['sshd', '-D', '-e', '-f', join(folder, 'sshd.conf')],
    port,
    folder,
  })
  t.after(() => sshd.stop())
  return sshd
}

/** Runs a command there, by `nc` through the proxy. */
function ssh(sshd: Peer, proxyPort: number, version: 4 | 5): Promise<string> {
  const user = execFileSync('id', ['-un'], { encoding: 'utf8' }).trim()
  const options = [
    `ProxyCommand=nc -X ${version} -x 127.0.0.1:${proxyPort} %h %p`,
    `IdentityFile=${sshd.folder}/user`,
    'IdentitiesOnly=yes',
    'StrictHostKeyChecking=no',
    `UserKnownHostsFile=${sshd.folder}/known`,
    'BatchMode=yes',
  ]
  const args = ['-F', 'none', ...options.flatMap((each) => ['-o', each]), '-p', `${sshd.port}`, `${user}@127.0.0.1`]
  return new Promise((resolve) => {
    execFile('ssh', [...args, 'seq 1 20000 | tail -1'], { timeout: 10_000 }, (_error, out, errors) =>
      resolve(out === '' ? errors : out),
    )
  })
}

test('F3 ssh over SOCKS, whose server speaks first: straight, and through a parent', async (t) => {
  if (!requireProgram(t, 'sshd', 'ssh', 'ssh-keygen', 'nc', 'microsocks')) return
  const [sshd, parent] = [await startSshd(t), await startMicrosocks(t)]
  const straight = await startForward(t)
  assert.equal(await ssh(sshd, straight.port, 5), '20000\n')
  assert.equal(await ssh(sshd, straight.port, 4), '20000\n')
  const parents = { near: { url: `socks5://127.0.0.1:${parent.port}` } }
  const through = await startForward(t, { default: { via: 'near' } }, { config: { parents } })
  assert.equal(await ssh(sshd, through.port, 5), '20000\n')
  const [line] = await through.logged(1)
  assert.deepEqual([line?.protocol, line?.status], ['SOCKS5', 200])
})
