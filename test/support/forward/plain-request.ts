/** A request as clients send it to a proxy: with an absolute target (RFC 9112 §3.2.2). `fields`: header lines. */
export function plainRequest(url: string, fields = '', method = 'GET'): string {
  const [, authority = ''] = /^https?:\/\/([^/?]*)/i.exec(url) ?? []
  return `${method} ${url} HTTP/1.1\r\nHost: ${authority}\r\n${fields}\r\n`
}
