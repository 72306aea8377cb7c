import { type Chunk, type Expression, type Identifier, type Node, parse, type Statement } from "luaparse";

/** What Redis 7 gives its scripts besides Lua 5.1's own: https://redis.io/docs/latest/develop/programmability/lua-api/ */
const REDIS_GLOBALS = ["redis", "KEYS", "ARGV", "cjson", "cmsgpack", "bit", "struct"];
/** What Redis leaves of Lua 5.1: neither files nor modules, nor what loads code. */
const LUA_GLOBALS =
  "assert collectgarbage coroutine error getmetatable ipairs math next os pairs pcall rawequal rawget rawset select setmetatable string table tonumber tostring type unpack xpcall".split(
    " ",
  );
const GLOBALS = new Set([...REDIS_GLOBALS, ...LUA_GLOBALS]);

/** A fault of a script; the line is the script's own. */
export interface Finding {
  readonly line: number;
  readonly text: string;
}

export interface Analysis {
  readonly findings: readonly Finding[];
  /** What the script defines at its top level, and whether it uses it: what scripts share is not used by each of them. */
  readonly topLevel: readonly Local[];
}

/** A local variable or function. */
export interface Local {
  readonly name: string;
  readonly line: number;
  used: boolean;
}

/** What scripts' own parts are wrapped in: what stands in them is at the top level of the part. */
const PARTS = new Set(["run", "decide"]);

const HEADERS = ["KEYS", "ARGV", "Returns"];

/**
 * Reads a whole script, as Redis gets it: whether it parses as Lua 5.1, names that nothing defines, locals that nothing uses,
 * definitions that hide one of the same block, and the three lines of its header.
 */
export function analyse(lua: string): Analysis {
  const source = lua.replace(/^#![^\n]*/, "");
  let chunk: Chunk;
  try {
    chunk = parse(source, { luaVersion: "5.1", locations: true, comments: false });
  } catch (error) {
    // luaparse throws SyntaxError with the line
    const { message, line = 0 } = error as SyntaxError & { line?: number };
    return { findings: [{ line, text: message }], topLevel: [] };
  }
  const walk = new Walk();
  walk.block(chunk.body, []);
  const missing = HEADERS.filter((word) => !new RegExp(`^-- ${word}\\b`, "m").test(source)).map((word) => ({
    line: 1,
    text: `its header has no line that begins with "-- ${word}"`,
  }));
  return { findings: [...walk.findings, ...missing], topLevel: walk.topLevel };
}

class Walk {
  readonly findings: Finding[] = [];
  readonly topLevel: Local[] = [];
  readonly #scopes: Map<string, Local>[] = [];
  /** The local functions whose bodies are being read: that one calls itself is no use of it. */
  readonly #bodies: Local[] = [];
  readonly #parts = new Set<Map<string, Local>>();

  block(body: readonly Statement[], declared: readonly Identifier[], part = false): void {
    this.#open(declared, part);
    for (const statement of body) this.#statement(statement);
    this.#close();
  }

  #open(declared: readonly Identifier[], part = false): void {
    const scope = new Map<string, Local>();
    if (part || this.#scopes.length === 0) this.#parts.add(scope);
    this.#scopes.push(scope);
    for (const name of declared) this.#declare(name);
  }

  #close(): void {
    const scope = this.#scopes.pop() ?? new Map<string, Local>();
    for (const local of scope.values()) {
      const { name, line, used } = local;
      if (this.#parts.has(scope)) this.topLevel.push(local);
      else if (!used && !name.startsWith("_")) this.findings.push({ line, text: `${name} is never used` });
    }
  }

  #declare({ name, loc }: Identifier): void {
    const scope = this.#scopes.at(-1);
    const line = loc?.start.line ?? 0;
    if (scope?.has(name) && !name.startsWith("_"))
      this.findings.push({ line, text: `${name} is defined in this block already, on line ${scope.get(name)?.line}` });
    scope?.set(name, { name, line, used: false });
  }

  #find(name: string): Local | undefined {
    return this.#scopes.findLast((scope) => scope.has(name))?.get(name);
  }

  #use({ name, loc }: Identifier): void {
    const local = this.#find(name);
    if (local !== undefined) local.used ||= !this.#bodies.includes(local);
    else if (!GLOBALS.has(name)) this.findings.push({ line: loc?.start.line ?? 0, text: `${name} is not defined` });
  }

  /** What is only ever assigned to is not used; a global must not be made at all, and Redis refuses it. */
  #assign(target: Node): void {
    if (target.type !== "Identifier") {
      this.#expression(target as Expression);
      return;
    }
    if (this.#find(target.name) === undefined)
      this.findings.push({ line: target.loc?.start.line ?? 0, text: `${target.name} is assigned and not defined` });
  }

  #statement(statement: Statement): void {
    switch (statement.type) {
      case "LocalStatement":
        for (const one of statement.init) this.#expression(one);
        for (const one of statement.variables) this.#declare(one);
        return;
      case "AssignmentStatement":
        for (const one of statement.init) this.#expression(one);
        for (const one of statement.variables) this.#assign(one);
        return;
      case "CallStatement":
        this.#expression(statement.expression);
        return;
      case "FunctionDeclaration":
        this.#function(statement);
        return;
      case "ReturnStatement":
        for (const one of statement.arguments) this.#expression(one);
        return;
      case "IfStatement":
        for (const clause of statement.clauses) {
          if (clause.type !== "ElseClause") this.#expression(clause.condition);
          this.block(clause.body, []);
        }
        return;
      case "WhileStatement":
        this.#expression(statement.condition);
        this.block(statement.body, []);
        return;
      case "RepeatStatement":
        // Its condition sees what its body defines.
        this.#open([]);
        for (const one of statement.body) this.#statement(one);
        this.#expression(statement.condition);
        this.#close();
        return;
      case "DoStatement":
        this.block(statement.body, []);
        return;
      case "ForNumericStatement":
        for (const one of [statement.start, statement.end, statement.step]) if (one) this.#expression(one);
        this.block(statement.body, [statement.variable]);
        return;
      case "ForGenericStatement":
        for (const one of statement.iterators) this.#expression(one);
        this.block(statement.body, statement.variables);
        return;
      case "BreakStatement":
      case "GotoStatement":
      case "LabelStatement":
        return;
      default:
        statement satisfies never;
    }
  }

  #function({ identifier, isLocal, parameters, body }: Extract<Statement, { type: "FunctionDeclaration" }>): void {
    if (identifier?.type === "Identifier" && isLocal) this.#declare(identifier);
    else if (identifier) this.#assign(identifier);
    const names = parameters.filter((one): one is Identifier => one.type === "Identifier");
    const part = this.#scopes.length === 1 && identifier?.type === "Identifier" && PARTS.has(identifier.name);
    const own = isLocal && identifier?.type === "Identifier" ? this.#find(identifier.name) : undefined;
    if (own !== undefined) this.#bodies.push(own);
    this.block(body, names, part);
    if (own !== undefined) this.#bodies.pop();
  }

  #expression(expression: Expression): void {
    switch (expression.type) {
      case "Identifier":
        this.#use(expression);
        return;
      case "FunctionDeclaration":
        this.#function(expression);
        return;
      case "BinaryExpression":
      case "LogicalExpression":
        this.#expression(expression.left);
        this.#expression(expression.right);
        return;
      case "UnaryExpression":
        this.#expression(expression.argument);
        return;
      case "MemberExpression":
        this.#expression(expression.base);
        return;
      case "IndexExpression":
        this.#expression(expression.base);
        this.#expression(expression.index);
        return;
      case "CallExpression":
        this.#expression(expression.base);
        for (const one of expression.arguments) this.#expression(one);
        return;
      case "TableCallExpression":
        this.#expression(expression.base);
        this.#expression(expression.arguments);
        return;
      case "StringCallExpression":
        this.#expression(expression.base);
        return;
      case "TableConstructorExpression":
        for (const field of expression.fields) {
          if (field.type === "TableKey") this.#expression(field.key);
          this.#expression(field.value);
        }
        return;
      case "StringLiteral":
      case "NumericLiteral":
      case "BooleanLiteral":
      case "NilLiteral":
      case "VarargLiteral":
        return;
      default:
        expression satisfies never;
    }
  }
}
