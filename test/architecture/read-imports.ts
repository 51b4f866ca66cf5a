/**
 * Source text without its comments. Relies on the formatter: block comments start their line, line
 * comments follow a blank.
 */
export function withoutComments(source: string): string {
  return source.replace(/^[ \t]*\/\*[\s\S]*?\*\//gm, '').replace(/(^|\s)\/\/.*$/gm, '$1')
}

/** Every specifier that a module imports: `import … from`, `export … from`, `import '…'`, `import('…')`, types too. */
export function importSpecifiers(source: string): string[] {
  const syntax =
    /^(?:import|export)\b[^'"`;=]*?\bfrom\s*['"]([^'"\n]+)['"]|^import\s*['"]([^'"\n]+)['"]|\bimport\s*\(\s*['"`]([^'"`\n]+)['"`]/gm
  return [...withoutComments(source).matchAll(syntax)].map((match) => (match[1] ?? match[2] ?? match[3])!)
}
