/**
 * The words of a command line that is still being typed, as a shell reads them: quotes and backslashes are taken away, and the
 * last word is the one that is being typed, empty after a space.
 */
export function splitLine(line: string): string[] {
  const words: string[] = [];
  let word = "";
  let quote = "";
  let begun = false;
  for (let at = 0; at < line.length; at += 1) {
    const character = line[at] ?? "";
    if (character === "\\" && quote !== "'") {
      at += 1;
      word += line[at] ?? "";
      begun = true;
    } else if (quote !== "") {
      if (character === quote) quote = "";
      else word += character;
    } else if (character === "'" || character === '"') {
      quote = character;
      begun = true;
    } else if (character === " " || character === "\t") {
      if (begun) words.push(word);
      word = "";
      begun = false;
    } else {
      word += character;
      begun = true;
    }
  }
  return [...words, word];
}
