import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hideValues, substituteEnvironment } from './environment.ts'
import { treeOf, valueAt } from './tree.ts'

const env = { NAME: 'value', EMPTY: '', TREE: '{ a: 1 }', LINES: 'a: 1\nb: 2', DOLLAR: '${NAME} $& $1' }

function substituted(written: string): unknown {
  const { data, findings } = substituteEnvironment({ key: written }, env)
  assert.deepEqual(findings, [])
  return valueAt(data, ['key'])
}

test('variables and defaults are put in', () => {
  assert.equal(substituted('${NAME}'), 'value')
  assert.equal(substituted('a-${NAME}-${NAME}'), 'a-value-value')
  assert.equal(substituted('${UNSET:-default}'), 'default')
  assert.equal(substituted('${UNSET:-}'), '')
  assert.equal(substituted('${EMPTY}'), '')
  assert.equal(substituted('${EMPTY:-default}'), 'default')
  assert.equal(substituted('${NAME:-default}'), 'value')
  assert.equal(substituted('no variable, $NAME, $ {NAME}'), 'no variable, $NAME, $ {NAME}')
})

test('a doubled dollar stands for the characters themselves', () => {
  assert.equal(substituted('$${NAME}'), '${NAME}')
  assert.equal(substituted('$${NAME} ${NAME}'), '${NAME} value')
})

test('a value is text, whatever it looks like', () => {
  assert.equal(substituted('${TREE}'), '{ a: 1 }')
  assert.equal(substituted('${LINES}'), 'a: 1\nb: 2')
  assert.equal(substituted('${DOLLAR}'), '${NAME} $& $1')
})

test('keys are left alone', () => {
  const { data } = substituteEnvironment({ '${NAME}': 1 }, env)
  assert.deepEqual(Object.keys(treeOf(data)), ['${NAME}'])
})

test('what is unset or malformed is found where it stands', () => {
  const { findings } = substituteEnvironment({ a: ['${UNSET}', '${NAME', '${not a name}'] }, env)
  assert.deepEqual(
    findings.map(({ path, code }) => [path, code]),
    [
      [['a', 0], 'ERR_CONFIG_ENV'],
      [['a', 1], 'ERR_CONFIG_ENV'],
      [['a', 2], 'ERR_CONFIG_ENV'],
    ],
  )
})

test('a message shows the variable in the place of its value', () => {
  const { substitutions } = substituteEnvironment(
    { a: 'http://${NAME}/', b: '${UNSET:-plain text}', c: '${SHORT}' },
    { ...env, SHORT: 'x' },
  )
  assert.equal(hideValues('"http://value/" is faulty', ['a'], substitutions), '"http://${NAME}/" is faulty')
  assert.equal(hideValues('elsewhere: value', ['z'], substitutions), 'elsewhere: ${NAME}')
  assert.equal(hideValues('plain text is faulty', ['b'], substitutions), 'plain text is faulty')
  assert.equal(hideValues('x extra', ['z'], substitutions), 'x extra')
})
