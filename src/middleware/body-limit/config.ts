import { z } from 'zod'
import { size } from '../../core/config-fields.ts'

/** Options of `bodyLimit`. */
export const bodyLimitOptions = z
  .strictObject({ size: size(0).describe('Largest request body: `10MiB`; `0B` for none at all.') })
  .describe('Refuses request bodies above a size (413).')
