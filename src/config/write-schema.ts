import { writeFile, mkdir } from 'node:fs/promises'
import { z } from 'zod'
import { renderReference } from './reference.ts'
import { configSchema } from './schema.ts'

/** Files made from the schema, by path from the package's root: the JSON Schema that ships, and the reference. */
export function schemaFiles(): Map<string, string> {
  const schema = z.toJSONSchema(configSchema, { io: 'input' })
  const { $schema, ...rest } = schema
  const named = { $schema, title: 'Turnpike config', ...rest }
  return new Map([
    ['schema/turnpike.schema.json', `${JSON.stringify(named, null, 2)}\n`],
    ['docs/reference/config.md', renderReference(schema)],
  ])
}

if (import.meta.main) {
  for (const [path, text] of schemaFiles()) {
    const url = new URL(`../../${path}`, import.meta.url)
    await mkdir(new URL('.', url), { recursive: true })
    await writeFile(url, text)
  }
}
