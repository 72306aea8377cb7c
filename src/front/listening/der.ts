/** A value in the Distinguished Encoding Rules (X.690). */
export interface Der {
  readonly tag: number;
  /** The value with its tag and length. */
  readonly whole: Buffer;
  /** The values within, of one that has some. @throws RangeError where it is cut off */
  items(): Der[];
}

/** The first value of an encoding. @throws RangeError where it is cut off, or of a form that certificates do not have */
export function readDer(bytes: Buffer): Der {
  const [tag, first] = [bytes[0], bytes[1]];
  if (tag === undefined || first === undefined || (tag & 0x1f) === 0x1f) throw malformed();
  let length = first;
  let start = 2;
  if (first >= 0x80) {
    const digits = first & 0x7f;
    if (digits === 0 || digits > 4 || bytes.length < 2 + digits) throw malformed();
    length = bytes.readUIntBE(2, digits);
    start += digits;
  }
  const end = start + length;
  if (bytes.length < end) throw malformed();
  return {
    tag,
    whole: bytes.subarray(0, end),
    items() {
      const items: Der[] = [];
      for (let at = start; at < end; ) {
        const item = readDer(bytes.subarray(at, end));
        items.push(item);
        at += item.whole.length;
      }
      return items;
    },
  };
}

/** A value as it is encoded, to be compared with others. */
export function derOf({ whole }: Der): string {
  return whole.toString("base64");
}

function malformed(): RangeError {
  return new RangeError("it is no value in DER");
}
