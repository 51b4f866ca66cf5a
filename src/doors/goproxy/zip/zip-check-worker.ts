/* Runs in a thread of its own: checks one module zip after the other. */
import { open } from 'node:fs/promises'
import { parentPort } from 'node:worker_threads'
import { checkModuleZip } from '../../../gomod/zip/check-zip.ts'
import { ModuleZipError } from '../../../gomod/zip/module-zip-error.ts'
import type { ZipCheckJob, ZipCheckMessage } from './zip-check-messages.ts'

const port = parentPort!

port.on('message', (job: ZipCheckJob) => {
  void check(job).then((message) => port.postMessage(message))
})

async function check({ path, module, version, limits }: ZipCheckJob): Promise<ZipCheckMessage> {
  try {
    await using file = await open(path)
    const { size } = await file.stat()
    const read = async (into: Buffer, position: number): Promise<number> =>
      (await file.read(into, 0, into.length, position)).bytesRead
    return { kind: 'checked', zip: await checkModuleZip({ size, read }, module, version, limits) }
  } catch (error) {
    if (error instanceof ModuleZipError) return { kind: 'refused', message: error.message, tooLarge: error.tooLarge }
    return { kind: 'failed', message: String(error) }
  }
}
