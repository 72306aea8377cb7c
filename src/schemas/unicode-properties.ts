/** General categories by their long names and other aliases, https://www.unicode.org/Public/UCD/latest/ucd/PropertyValueAliases.txt. */
const CATEGORIES: ReadonlyMap<string, string> = new Map([
  ["Letter", "L"],
  ["Cased_Letter", "LC"],
  ["Uppercase_Letter", "Lu"],
  ["Lowercase_Letter", "Ll"],
  ["Titlecase_Letter", "Lt"],
  ["Modifier_Letter", "Lm"],
  ["Other_Letter", "Lo"],
  ["Mark", "M"],
  ["Combining_Mark", "M"],
  ["Nonspacing_Mark", "Mn"],
  ["Spacing_Mark", "Mc"],
  ["Enclosing_Mark", "Me"],
  ["Number", "N"],
  ["Decimal_Number", "Nd"],
  ["digit", "Nd"],
  ["Letter_Number", "Nl"],
  ["Other_Number", "No"],
  ["Punctuation", "P"],
  ["punct", "P"],
  ["Connector_Punctuation", "Pc"],
  ["Dash_Punctuation", "Pd"],
  ["Open_Punctuation", "Ps"],
  ["Close_Punctuation", "Pe"],
  ["Initial_Punctuation", "Pi"],
  ["Final_Punctuation", "Pf"],
  ["Other_Punctuation", "Po"],
  ["Symbol", "S"],
  ["Math_Symbol", "Sm"],
  ["Currency_Symbol", "Sc"],
  ["Modifier_Symbol", "Sk"],
  ["Other_Symbol", "So"],
  ["Separator", "Z"],
  ["Space_Separator", "Zs"],
  ["Line_Separator", "Zl"],
  ["Paragraph_Separator", "Zp"],
  ["Other", "C"],
  ["Control", "Cc"],
  ["cntrl", "Cc"],
  ["Format", "Cf"],
  ["Surrogate", "Cs"],
  ["Private_Use", "Co"],
  ["Unassigned", "Cn"],
]);

/**
 * RE2's name of a Unicode property that is written as ECMA-262 has it: `Letter`, `gc=Lu`, `Script=Greek`. A name alone that is none
 * of a category is left as it is: RE2 knows scripts and some binary properties, and refuses the rest.
 */
export function unicodeProperty(written: string): string {
  const [name = "", value] = written.split("=");
  if (value === undefined || name === "General_Category" || name === "gc") {
    const category = value ?? name;
    return CATEGORIES.get(category) ?? category;
  }
  // Of script extensions, and whatever else has a value, RE2 knows none: written as it is, it is refused.
  return name === "Script" || name === "sc" ? value : written;
}
