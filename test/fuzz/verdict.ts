/** A request as one parser understood it. */
export interface SeenRequest {
  method: string
  target: string
  minor: number
  fields: string[]
  /** Null where the body did not end. */
  body: string | null
  trailers: string[]
}

/** What one parser made of the bytes of a connection. */
export interface Verdict {
  requests: SeenRequest[]
  /** 'end': between requests; 'incomplete': inside one; else the code of the refusal. */
  ending: string
}
