import { z } from 'zod'
import { fieldValue, ownFieldName } from '../../core/field-schemas.ts'

/** Written by the egress of every request, behind what middleware does. */
const requestFields = [
  'host',
  'via',
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-proto',
  'x-forwarded-host',
  'x-forwarded-port',
]

const changes = (taken: readonly string[]) =>
  z.strictObject({
    remove: z.array(ownFieldName(taken)).prefault([]).describe('Fields to take away.'),
    set: z
      .record(ownFieldName(taken), fieldValue)
      .prefault({})
      .describe('Fields with their values, in place of all of that name.'),
    add: z
      .record(ownFieldName(taken), fieldValue)
      .prefault({})
      .describe('Fields with their values, beside those of that name.'),
  })

/** Options of `headers`. */
export const headersOptions = z
  .strictObject({
    request: changes(requestFields).prefault({}).describe('The request, before it is forwarded.'),
    response: changes(['via']).prefault({}).describe('Every reply, whoever made it.'),
  })
  .describe('Sets, adds and removes header fields.')

export type HeadersOptions = z.output<typeof headersOptions>
