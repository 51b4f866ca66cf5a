/** What Go takes for white space (Unicode White_Space): with U+0085 and without the byte order mark, unlike `trim`. */
const space = /[\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/

/** Go's `strings.TrimSpace`. */
export function trimSpace(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && space.test(text[start]!)) start++
  while (end > start && space.test(text[end - 1]!)) end--
  return text.slice(start, end)
}

/** Go's `strings.Fields`: the words between white space. */
export function fieldsOf(text: string): string[] {
  return text.split(new RegExp(space, 'g')).filter((field) => field !== '')
}
