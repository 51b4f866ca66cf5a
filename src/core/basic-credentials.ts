/** A user name and its password. */
export interface BasicLogin {
  username: string
  password: string
}

/** RFC 7617 §2: the field value that logs in by them. */
export function basicCredentials({ username, password }: BasicLogin): string {
  return `Basic ${Buffer.from(`${username}:${password}`, 'utf8').toString('base64')}`
}
