// Parses one query a line with Microsoft's own parser and says what it found, one line each.
// in:  {"tables": {name: "(column: type, ...)"}, "query": text}
// out: {"diagnostics": [text], "columns": ["name:type"], "shape": text, "literals": [value]}
const home = process.argv[2] + "/@kusto/language-service-next/";
require(home + "bridge.min.js");
require(home + "Kusto.Language.Bridge.min.js");
const { KustoCode, GlobalState, Symbols } = Kusto.Language;

const known = new Map();

function globals(tables) {
  const key = JSON.stringify(tables);
  if (!known.has(key)) known.set(key, bound(tables));
  return known.get(key);
}

function bound(tables) {
  const symbols = Object.entries(tables).map(
    ([name, schema]) => new Symbols.TableSymbol.$ctor7(name, schema, ""));
  const database = new Symbols.DatabaseSymbol.ctor("workspace", symbols);
  return GlobalState.Default.WithDatabase(database);
}

// Kinds of all elements in order, so two queries of one shape differ in the values of literals only.
function walk(element, shape, literals) {
  shape.push(element.Kind);
  if (element.IsToken) {
    if (element.Kind === Kusto.Language.Syntax.SyntaxKind.StringLiteralToken) literals.push(element.Value);
    return;
  }
  shape.push("(");
  for (let index = 0; index < element.ChildCount; index++) {
    const child = element.GetChild(index);
    if (child) walk(child, shape, literals);
  }
  shape.push(")");
}

function answer({ tables, query }) {
  const code = KustoCode.ParseAndAnalyze(query, globals(tables));
  const found = code.GetDiagnostics();
  const diagnostics = [];
  for (let index = 0; index < found.Count; index++) diagnostics.push(found.getItem(index).Message);
  const shape = [], literals = [], columns = [];
  walk(code.Syntax, shape, literals);
  const result = code.ResultType && code.ResultType.Columns;
  for (let index = 0; result && index < result.Count; index++) {
    const column = result.getItem(index);
    columns.push(column.Name + ":" + column.Type.Name);
  }
  return { diagnostics, columns, shape: shape.join(" "), literals };
}

require("readline").createInterface({ input: process.stdin }).on("line", (line) => {
  console.log(JSON.stringify(answer(JSON.parse(line))));
});
