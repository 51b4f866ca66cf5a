import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { agreements } from './agreements.ts'

for (const { title, check } of agreements)
  test(title, () => check((name) => readFileSync(new URL(`vectors/${name}.json`, import.meta.url), 'utf8')))
