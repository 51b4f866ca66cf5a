import type { z } from 'zod'
import type { Problem } from './errors.ts'

/** What a module of the user's exports; the engine knows what `create` takes and makes. */
export interface ModuleDefinition {
  name: string
  options: z.ZodType
  create: (...made: never[]) => unknown
}

/** A middleware of the user's own, as the config uses it. */
export class ModuleUse {
  /** Path of its module, as the config names it. */
  readonly file: string
  /** As its schema has checked them. */
  options: unknown
  /** A hash of the module and of what it imports. */
  version = ''
  // Neither is part of what the config says.
  #definition: ModuleDefinition | null = null
  #place: Omit<Problem, 'code' | 'message'> = { file: '', line: 1, column: 1 }

  constructor(file: string, options: unknown) {
    this.file = file
    this.options = options
  }

  /** Once the module was imported. */
  fill(options: unknown, version: string, definition: ModuleDefinition): void {
    this.options = options
    this.version = version
    this.#definition = definition
  }

  get definition(): ModuleDefinition | null {
    return this.#definition
  }

  /** Where the config uses it. */
  get place(): Omit<Problem, 'code' | 'message'> {
    return this.#place
  }

  set place(place: Omit<Problem, 'code' | 'message'>) {
    this.#place = place
  }
}
