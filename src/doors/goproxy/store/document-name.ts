/** Longest name of a file on the usual file systems is 255 bytes; one is for the mark of a document. */
const segment = /^(?!\.{1,2}$)[A-Za-z0-9._~!@+%,-]{1,254}$/

/** Throws RangeError for what is no name of a document: `a/b/c` of letters, digits and `. _ ~ ! @ + % , -`. */
export function checkDocumentName(name: string): void {
  if (!name.split('/').every((each) => segment.test(each))) {
    throw new RangeError(`${JSON.stringify(name)} is no name of a document.`)
  }
}
