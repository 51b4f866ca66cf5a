/** The version that an `.info` is of. It was checked when it came. */
export function infoVersion(info: Buffer): string {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- origins check it
  return (JSON.parse(info.toString()) as { Version: string }).Version
}
