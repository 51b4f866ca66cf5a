import { z } from 'zod'
import { choice, offOr } from '../../core/config-fields.ts'
import { ownFieldName } from '../../core/field-schemas.ts'

/** Options of `requestId`. */
export const requestIdOptions = z
  .strictObject({
    header: ownFieldName(['host', 'via']).default('x-request-id').describe('Field that carries the id, both ways.'),
    trust: offOr(choice(['trustedProxies', 'everyone']), 'one of "trustedProxies", "everyone"')
      .prefault('off')
      .describe(
        'Whose id is kept where it is 128 letters, digits and `-_.~:@/+=` at most: that of `trustedProxies`, of `everyone`, or of nobody (`off`). The log and error pages name the request by its own id all the same.',
      ),
  })
  .describe('Gives each request an id that the upstream, the client and the log agree on.')
