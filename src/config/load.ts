import { readFile } from 'node:fs/promises'
import { dirname, extname, resolve } from 'node:path'
import { systemCode } from '../core/system-code.ts'
import type { Config, ConfigInput } from './config.ts'
import type { Environment } from './environment.ts'
import { ConfigError, type Problem } from './errors.ts'
import { hashOf, type FileHashes } from './file-hashes.ts'
import { ObjectSource, readModule } from './module-source.ts'
import { configRevision } from './revision.ts'
import type { ConfigSource, Finding } from './source.ts'
import { validateConfig, type PlainConfig } from './validate.ts'

/** A config that can be run, and what it was made of. */
export interface LoadedConfig {
  config: Config
  /** Where it came from: the file as named, and every file that was read, the config itself first. */
  source: { file: string; files: FileHashes }
  /** See `configRevision`. */
  revision: string
  warnings: Problem[]
}

export interface LoadOptions {
  /** Variables for `${NAME}`. Default: those of the process. */
  env?: Environment
  /** What a relative path starts from. Default: the current folder. */
  cwd?: string
  /** Looks for what is odd beyond what the config itself shows: its findings become warnings. Default: nothing. */
  lint?: (config: Config) => Finding[]
}

/** Names under which a config is looked for, in order. */
export const configFileNames = [
  'turnpike.yaml',
  'turnpike.yml',
  'turnpike.json',
  'turnpike.config.ts',
  'turnpike.config.js',
]

/**
 * Loads `.yaml`, `.yml`, `.json`, `.ts` or `.js` and checks all of it. Paths inside are relative to the
 * file. Throws a ConfigError with every problem and its place.
 */
export async function loadConfig(file: string, options: LoadOptions = {}): Promise<LoadedConfig> {
  return (await loadInFull(file, options)).loaded
}

/** `loadConfig`, with what the config was made of. */
export async function loadInFull(
  file: string,
  options: LoadOptions,
): Promise<{ loaded: LoadedConfig; plain: PlainConfig }> {
  const absolute = resolve(options.cwd ?? process.cwd(), file)
  const hashes: FileHashes = new Map()
  try {
    return await check(await readSource(file, absolute, hashes), dirname(absolute), options, hashes)
  } catch (error) {
    if (error instanceof ConfigError) error.files = hashes
    throw error
  }
}

/** Checks a config that is at hand as an object. Paths inside are relative to `cwd`. Throws a ConfigError. */
export async function loadConfigObject(input: ConfigInput, options: LoadOptions = {}): Promise<LoadedConfig> {
  return (await check(new ObjectSource('config', input), options.cwd ?? process.cwd(), options, new Map())).loaded
}

async function check(
  source: ConfigSource,
  folder: string,
  { env = process.env, lint = () => [] }: LoadOptions,
  hashes: FileHashes,
): Promise<{ loaded: LoadedConfig; plain: PlainConfig }> {
  const { config, warnings, plain } = await validateConfig(source, { folder, env, lint, hashes })
  const revision = await configRevision(config)
  return { loaded: { config, source: { file: source.file, files: hashes }, revision, warnings }, plain }
}

async function readSource(file: string, absolute: string, hashes: FileHashes): Promise<ConfigSource> {
  const kind = extname(absolute)
  const fail = (message: string) => new ConfigError([{ file, line: 1, column: 1, code: 'ERR_CONFIG_FILE', message }])
  let text: string
  try {
    const bytes = await readFile(absolute)
    hashes.set(absolute, hashOf(bytes))
    text = bytes.toString('utf8').replace(/^\uFEFF/, '')
  } catch (error) {
    hashes.set(absolute, '')
    const code = systemCode(error)
    throw fail(code === 'ENOENT' ? 'there is no such file' : `the file cannot be read: ${code}`)
  }
  if (kind === '.yaml' || kind === '.yml' || kind === '.json') {
    // Loading the YAML parser takes 40 ms, which a config in code or on the command line need not wait for.
    const { readJson, readYaml } = await import('./text-source.ts')
    return kind === '.json' ? readJson(file, text) : readYaml(file, text)
  }
  if (/^\.[cm]?[jt]s$/.test(kind)) return readModule(file, absolute, text, hashes)
  throw fail('a config ends in .yaml, .yml, .json, .ts or .js')
}
