import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { requireProgram } from '../../test/support/peers/require-program.ts'
import { shellAssignment, usualShell } from './shell.ts'

const nasty = `http://a.example|direct,it's $HOME \`x\` "y" \\ %PATH% é`

test('bash gets the value as it is', (t) => {
  if (!requireProgram(t, 'bash')) return
  const script = `${shellAssignment('bash', 'GOPROXY', nasty)}; printf %s "$GOPROXY"`
  assert.equal(spawnSync('bash', ['-c', script], { encoding: 'utf8' }).stdout, nasty)
})

test('fish, PowerShell and cmd quote in their own ways', () => {
  assert.equal(shellAssignment('fish', 'A', "it's \\ $x"), "set -gx A 'it\\'s \\\\ $x'")
  assert.equal(shellAssignment('powershell', 'A', "it's $x"), "$Env:A = 'it''s $x'")
  assert.equal(shellAssignment('cmd', 'A', 'a|b,100%'), 'set "A=a|b,100%%"')
})

test('the usual shell is that of SHELL', () => {
  assert.equal(usualShell({ SHELL: '/usr/bin/fish' }), 'fish')
  assert.equal(usualShell({ SHELL: '/bin/zsh' }), 'bash')
  assert.equal(usualShell({ PSModulePath: 'C:\\' }), 'powershell')
  assert.equal(usualShell({}), 'bash')
})
