import { createServer, type Server } from 'node:http'
import { buildModuleZip } from '../gomod/zip/build-zip.ts'
import { memoryFile } from '../gomod/zip/memory-file.ts'

interface DemoModule {
  module: string
  version: string
  time: string
  files: Readonly<Record<string, string>>
}

const words: DemoModule = {
  module: 'example.com/words',
  version: 'v0.3.0',
  time: '2026-02-03T04:05:06Z',
  files: {
    'go.mod': 'module example.com/words\n\ngo 1.21\n',
    'words.go':
      '// Package words has words to greet with.\npackage words\n\n// Hello is how a greeting begins.\nconst Hello = "Hello"\n',
  },
}

const greet = (version: string, time: string, body: string): DemoModule => ({
  module: 'example.com/greet',
  version,
  time,
  files: {
    'go.mod': 'module example.com/greet\n\ngo 1.21\n\nrequire example.com/words v0.3.0\n',
    'go.sum': '',
    'greet.go': `// Package greet greets.\npackage greet\n\nimport "example.com/words"\n\n// Greet greets somebody.\nfunc Greet(name string) string {\n\treturn ${body}\n}\n`,
    'cmd/greet/main.go':
      'package main\n\nimport (\n\t"fmt"\n\n\t"example.com/greet"\n)\n\nfunc main() {\n\tfmt.Println(greet.Greet("gopher"))\n}\n',
  },
})

const modules: readonly DemoModule[] = [
  words,
  greet('v1.0.0', '2026-03-04T05:06:07Z', 'words.Hello + " " + name'),
  greet('v1.1.0', '2026-04-05T06:07:08Z', 'words.Hello + ", " + name + "!"'),
]

/** A module proxy with a few small modules that are made at its start: an upstream for a first try, without a network. */
export class DemoModules {
  readonly url: string
  private readonly server: Server

  private constructor(server: Server, port: number) {
    this.server = server
    this.url = `http://127.0.0.1:${port}`
  }

  /** Listens on a free port of this machine's loopback. */
  static async start(): Promise<DemoModules> {
    const replies = await makeReplies()
    const server = createServer((request, response) => {
      // A client that goes away mid-request is nothing to a demo.
      request.on('error', () => response.destroy())
      const bytes = replies.get(request.url ?? '')
      response.writeHead(bytes === undefined ? 404 : 200, { 'content-type': 'text/plain' })
      response.end(bytes ?? 'not found: the demo has example.com/greet and example.com/words\n')
    })
    return new Promise((resolve, reject) => {
      server.once('error', reject)
      server.listen(0, '127.0.0.1', () => {
        const address = server.address()
        if (typeof address === 'object' && address !== null) resolve(new DemoModules(server, address.port))
      })
    })
  }

  /** Ends the service and the connections to it. */
  stop(): Promise<void> {
    this.server.closeAllConnections()
    return new Promise((resolve) => this.server.close(() => resolve()))
  }
}

async function makeReplies(): Promise<ReadonlyMap<string, Buffer>> {
  const replies = new Map<string, Buffer>()
  for (const [module, versions] of Map.groupBy(modules, (each) => each.module)) {
    replies.set(`/${module}/@v/list`, Buffer.from(versions.map(({ version }) => `${version}\n`).join('')))
    for (const { version, time, files } of versions) {
      const info = Buffer.from(JSON.stringify({ Version: version, Time: time }))
      const pieces: Buffer[] = []
      await buildModuleZip(
        { module, version, files: Object.entries(files).map(([path, text]) => memoryFile(path, text)) },
        async (bytes) => void pieces.push(bytes),
      )
      replies.set(`/${module}/@v/${version}.info`, info)
      replies.set(`/${module}/@v/${version}.mod`, Buffer.from(files['go.mod']!))
      replies.set(`/${module}/@v/${version}.zip`, Buffer.concat(pieces))
      replies.set(`/${module}/@latest`, info)
    }
  }
  return replies
}
