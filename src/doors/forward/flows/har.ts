/** HAR 1.2, as far as it is written and read here. Fields that begin with `_` are our own, as the format allows. */
export interface HarEntry {
  /** ISO 8601. */
  startedDateTime: string
  /** ms: the sum of those timings that are known. */
  time: number
  request: HarRequest
  response: HarResponse
  cache: Record<string, never>
  timings: HarTimings
  /** The address that was connected to: the nearest parent's, where there is one. */
  serverIPAddress?: string
  /** The client's port: the same for all that came by one connection. */
  connection?: string
  _turnpike: HarFacts
}

export interface HarPair {
  name: string
  value: string
}

export interface HarRequest {
  method: string
  url: string
  httpVersion: string
  cookies: HarPair[]
  headers: HarPair[]
  queryString: HarPair[]
  postData?: HarPostData
  /** -1: not known. */
  headersSize: number
  bodySize: number
}

export interface HarPostData {
  mimeType: string
  /** Of a form alone. */
  params?: HarPair[]
  text: string
  /** `base64` where the body is no text. The format itself has no word for it. */
  _encoding?: 'base64'
  /** How much of it there was, where not all of it was kept. */
  comment?: string
  _truncated?: true
}

export interface HarResponse {
  /** 0 where no reply came. */
  status: number
  statusText: string
  httpVersion: string
  cookies: HarCookie[]
  headers: HarPair[]
  content: HarContent
  redirectURL: string
  headersSize: number
  bodySize: number
  /** The cause code where there is no reply, or not all of it; browsers' viewers show it. */
  _error?: string
}

export interface HarCookie extends HarPair {
  path?: string
  domain?: string
  expires?: string
  httpOnly?: boolean
  secure?: boolean
  sameSite?: string
}

export interface HarContent {
  /** Bytes of the body, decoded where it was encoded and is known whole. */
  size: number
  /** Bytes saved by an encoding. */
  compression?: number
  mimeType: string
  text?: string
  encoding?: 'base64'
  comment?: string
  _truncated?: true
}

/** In ms; -1 for what did not happen, or is not known. */
export interface HarTimings {
  blocked: number
  dns: -1
  connect: number
  ssl: -1
  send: number
  wait: number
  receive: number
}

/** What Turnpike knows beside. */
export interface HarFacts {
  /** As in the access log. */
  id: string
  listener: string
  /** The rule that let it pass. */
  rule: string
  client: string
  user?: string
  /** What its client was answered. */
  status: number
  cause?: string
  phase?: string
}
