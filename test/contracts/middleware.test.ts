import { middlewareContract } from './middleware.ts'
import { middlewareSamples } from './middleware-samples.ts'

for (const [kind, sample] of middlewareSamples) middlewareContract(kind, sample)
