/**
 * The elements of a comma-separated field value, blanks around each removed (RFC 9110 §5.6.1);
 * empty ones are kept. Quoted commas are not known here. By hand, since a regular expression for
 * blanks at the end takes quadratic time on long runs of them.
 */
export function listElements(value: string): string[] {
  const elements: string[] = []
  for (let start = 0; start <= value.length;) {
    const comma = value.indexOf(',', start)
    const next = comma < 0 ? value.length : comma
    let end = next
    while (start < end && isBlank(value.charCodeAt(start))) start++
    while (end > start && isBlank(value.charCodeAt(end - 1))) end--
    elements.push(value.slice(start, end))
    start = next + 1
  }
  return elements
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09
}
