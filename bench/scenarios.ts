import { largeBody, smallBody } from './origin.ts'

export interface Scenario {
  name: string
  title: string
  tls: boolean
  method: 'GET' | 'POST'
  paths: readonly string[]
  /** Bytes of request body. */
  bodyLength: number
  /** Routes in the contenders' configs; 0 for one catch-all. */
  routes: number
  connections: number
  /** What the origin answers. */
  reply: string | Buffer
}

const plain = {
  tls: false,
  method: 'GET',
  paths: ['/index.html'],
  bodyLength: 0,
  routes: 0,
  connections: 64,
  reply: smallBody,
} as const

const routePaths = (count: number): string[] => Array.from({ length: count }, (_, index) => `/r${index}/item`)

/** The scenarios, in groups whose rounds are interleaved. */
export const groups: readonly (readonly Scenario[])[] = [
  [{ ...plain, name: 'small', title: 'small GET, browser headers, 100-byte reply' }],
  [{ ...plain, name: 'tls', title: 'the same over TLS 1.3', tls: true }],
  [{ ...plain, name: 'download', title: '64 KiB reply', paths: ['/large'], reply: largeBody }],
  [{ ...plain, name: 'upload', title: '64 KiB upload', method: 'POST', bodyLength: 65_536 }],
  [
    { ...plain, name: 'routes10', title: 'small GET, 10 routes asked in turn', routes: 10, paths: routePaths(10) },
    {
      ...plain,
      name: 'routes1000',
      title: 'small GET, 1 000 routes asked in turn',
      routes: 1000,
      paths: routePaths(1000),
    },
  ],
]
