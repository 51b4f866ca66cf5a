/** Words that say that a value opens something. */
const words = new Set(
  `authorization auth token tokens secret secrets password passwd passphrase passcode pwd pw signature sig hmac credential
credentials cookie jwt session sid key apikey otp totp pin assertion csrf xsrf bearer authenticate saml samlresponse
samlrequest ticket`.split(/\s+/),
)
/** Written as one: `accesstoken`, `clientsecret`, `phpsessid`. */
const endings = /(?:token|secret|passwd|password|apikey|accesskey|secretkey|privatekey|signature|sessid|sessionid)$/
/** Whole names: as a part of others they say nothing. RFC 6749 §4.1.2, RFC 7636 §4.5. */
const wholes = new Set(['code', 'code_verifier', 'device_code', 'pass', 'state_token'])
/** They have the words in them, and are no secrets: what a server asks for, and what a page shows. */
const open = /^(?:www-authenticate|proxy-authenticate|sec-websocket-key|idempotency-key|surrogate-key|sort[-_]?key)$/

/** Whether the value of a header field, a query parameter or a member of an object is not for everybody's eyes. */
export function isSecretName(name: string): boolean {
  const spaced = name.replaceAll(/([a-z0-9])([A-Z])/g, '$1-$2').toLowerCase()
  if (open.test(spaced)) return false
  if (wholes.has(spaced.replaceAll('-', '_'))) return true
  return spaced.split(/[^a-z0-9]+/).some((word) => words.has(word) || endings.test(word))
}
