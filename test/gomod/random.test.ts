import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { agreements } from './agreements.ts'
import { generatorReady, runGenerator } from './run-generator.ts'

// Pieces stand between bars.
const pagePieces = (
  `<meta name="go-import" content="a.b git c">¦<meta¦ name="go-import"¦ content='a b c'¦ content="a mod c d"¦>¦/>¦<¦</¦` +
  `<!--¦-->¦--¦-¦<![CDATA[¦]]>¦]¦<!DOCTYPE¦ html¦"¦'¦<?xml¦<!¦/¦ version="1.0"¦ encoding="utf-8"¦?>¦?¦&amp;¦&¦&#65;¦&#x¦;¦` +
  `&foo¦x¦ ¦\n¦\r¦=¦:¦a:b¦<body>¦</head>¦<p>¦</p>¦ä¦\u0001¦<a b¦.¦1¦!`
).split('¦')
const goModPieces = (
  'module ¦a.b/c¦go ¦1.24¦retract ¦v1.0.0¦[¦]¦,¦(¦)¦\n¦\n¦\n¦//¦ ¦\t¦\r\n¦// Deprecated: x¦"¦`¦\'¦"v1.1.0"¦x¦/*¦{¦}¦\u00a0¦ü¦' +
  'retract [v1.0.0, v1.1.0]¦// why¦module a.b\n¦retract (\n¦\n)\n¦// c\n¦unknown ¦go 1.24\n¦exclude (\n'
).split('¦')
const versionPieces = (
  'v¦1¦0¦2¦.¦-¦+¦a¦20190101000000¦abcdefabcdef¦0.¦-0.¦v1.2.3¦v1.2.3¦v1.2.3¦pre¦+incompatible¦01¦' +
  'v0.0.0-20190101000000-abcdefabcdef¦.0.¦Z¦_¦9'
).split('¦')

function texts(pieces: readonly string[], count: number, random: () => number): string[] {
  const piece = (): string => pieces[Math.floor(random() * pieces.length)]!
  return Array.from({ length: count }, () => Array.from({ length: 1 + Math.floor(random() * 12) }, piece).join(''))
}

/** A linear congruential generator (Numerical Recipes). */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32
}

test('golang.org/x/mod says the same of random pages, go.mod files and versions', (t) => {
  if (!generatorReady(t)) return
  const seed = Date.now() >>> 0
  const random = randomFrom(seed)
  const folder = mkdtempSync(path.join(tmpdir(), 'vectors-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const inputs = path.join(folder, 'inputs.json')
  writeFileSync(
    inputs,
    JSON.stringify({
      Pages: texts(pagePieces, 3000, random),
      GoMods: texts(goModPieces, 3000, random),
      Versions: texts(versionPieces, 300, random),
    }),
  )
  runGenerator(folder, inputs)
  for (const { title, check } of agreements) {
    assert.doesNotThrow(
      () => check((name) => readFileSync(path.join(folder, `${name}.json`), 'utf8')),
      `${title}, seed ${seed}`,
    )
  }
})
