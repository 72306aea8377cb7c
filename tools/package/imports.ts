import ts from "typescript-5.7";

/** The specifiers of all that a module imports and re-exports, be it JavaScript or declarations; `import()` and its types included. */
export function importsOf(text: string): string[] {
  return specifiersIn(text).map((specifier) => specifier.text);
}

/** The module with other specifiers in its imports, and without the address of its source map, which packages do not have. */
export function withImports(text: string, specifierFor: (specifier: string) => string): string {
  let rewritten = "";
  let end = 0;
  for (const specifier of specifiersIn(text)) {
    rewritten += text.slice(end, specifier.end - 1 - specifier.text.length) + specifierFor(specifier.text);
    end = specifier.end - 1; // before the quote
  }
  return (rewritten + text.slice(end)).replace(/\n\/\/# sourceMappingURL=.*\s*$/, "\n");
}

/** In the order of the text. */
function specifiersIn(text: string): ts.StringLiteralLike[] {
  const found: ts.StringLiteralLike[] = [];
  const visit = (node: ts.Node): void => {
    const specifier = specifierOf(node);
    if (specifier !== undefined && ts.isStringLiteralLike(specifier)) found.push(specifier);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile("module.ts", text, ts.ScriptTarget.Latest));
  return found;
}

function specifierOf(node: ts.Node): ts.Node | undefined {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return node.moduleSpecifier;
  if (ts.isImportTypeNode(node)) return ts.isLiteralTypeNode(node.argument) ? node.argument.literal : undefined;
  const isImport = ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword;
  return isImport ? node.arguments[0] : undefined;
}
