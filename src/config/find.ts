import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { configFileNames } from './load.ts'

/** The config file of a folder, by its usual names; undefined for none. */
export async function findConfigFile(folder: string): Promise<string | undefined> {
  for (const name of configFileNames) {
    const found = await stat(resolve(folder, name)).catch(() => null)
    if (found?.isFile() === true) return name
  }
  return undefined
}
