import type { Scope } from '../../../engine/scope.ts'
import type { EngineServices } from '../../../engine/services.ts'
import type { ForwardConfig } from '../config.ts'
import { FlowJournal } from './flow-journal.ts'
import type { FlowRecorder } from './flow-recorder.ts'
import { HarRecorder } from './har-recorder.ts'

/** The recorder of one generation; generations that record to one file share it. Rejects with ERR_FLOWS_FILE. */
export async function openRecorder(
  record: NonNullable<ForwardConfig['record']>,
  services: EngineServices,
  scope: Scope,
): Promise<FlowRecorder> {
  const { flows, maxSize } = record
  const version = services.userAgent.replace(/^[^/]*\//, '')
  const journal = scope.shared(`flows:${flows}`, (own) => new FlowJournal(flows, version, maxSize, services, own))
  await journal.ready
  journal.maxBytes = maxSize
  return new HarRecorder(record, journal, services)
}
