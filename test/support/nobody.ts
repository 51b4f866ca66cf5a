/**
 * Arguments of setpriv for who is nobody, and may read this checkout wherever root has put it: with no right beyond the
 * one to files.
 */
export const asNobody: readonly string[] = [
  '--reuid=65534',
  '--regid=65534',
  '--clear-groups',
  '--inh-caps=-all,+dac_override',
  '--ambient-caps=-all,+dac_override',
]
