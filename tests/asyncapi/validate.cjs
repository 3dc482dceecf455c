// Holds AsyncAPI documents against the official parser, and prints what it has to say.
//
//   NODE_PATH=<node_modules> node validate.cjs DOCUMENT..
//
// Exit codes: 0 all are valid, 1 one is not, 2 the parser is missing.

let parser;
try {
  parser = require("@asyncapi/parser");
} catch (error) {
  console.error(`@asyncapi/parser could not be loaded: ${error.message.split("\n")[0]}`);
  process.exit(2);
}

const { readFileSync } = require("node:fs");

async function main(files) {
  let wrong = 0;
  for (const file of files) {
    const { document, diagnostics } = await new parser.Parser().parse(readFileSync(file, "utf8"));
    // Severity 0 is an error, 1 a warning; 2 and 3 are advice.
    for (const { severity, path, message } of diagnostics.filter((found) => found.severity <= 1)) {
      console.error(`${file}: ${severity === 0 ? "error" : "warning"} at ${path.join("/")}: ${message}`);
      wrong += severity === 0 ? 1 : 0;
    }
    if (document === undefined) {
      console.error(`${file}: not a valid document`);
      wrong += 1;
    } else {
      console.log(`${file}: ${document.operations().all().length} operations, ${document.messages().all().length} messages`);
    }
  }
  return wrong === 0 ? 0 : 1;
}

main(process.argv.slice(2)).then((code) => process.exit(code));
