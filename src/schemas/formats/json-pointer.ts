const NOT_IN_POINTER_FRAGMENT = /%(?![0-9a-f]{2})|~(?![01])|[^a-z0-9\-._~!$&'()*+,;=:@/%]/i;

/** RFC 6901: each ~ is one of two escapes, and a pointer that is not empty begins with /. */
export function isJsonPointer(text: string): boolean {
  return (text === "" || text.startsWith("/")) && !/~(?![01])/.test(text);
}

/** The same as the fragment of a URI, RFC 6901 section 6. */
export function isJsonPointerFragment(text: string): boolean {
  const pointer = text.slice(1);
  return text.startsWith("#") && (pointer === "" || pointer.startsWith("/")) && !NOT_IN_POINTER_FRAGMENT.test(pointer);
}

/** How many levels up, and a pointer from there or # for the name there. */
export function isRelativeJsonPointer(text: string): boolean {
  const number = /^(?:0|[1-9][0-9]*)/.exec(text)?.[0];
  if (number === undefined) return false;
  const rest = text.slice(number.length);
  return rest === "#" || isJsonPointer(rest);
}
