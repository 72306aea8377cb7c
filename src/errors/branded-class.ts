/**
 * Makes `instanceof` of a class hold for the instances that another copy of this package made, of whatever version: a program can have
 * two, one beside it and one below a dependency. Subclasses keep the `instanceof` of the language, by their prototype.
 *
 * @param own the class, from its static block
 * @param name its exported name, which minifiers leave alone; the same in all copies
 */
export function brandClass(own: { readonly prototype: object }, name: string): void {
  const brand = Symbol.for(`toolgate.${name}`);
  Object.defineProperty(own.prototype, brand, { value: true });
  Object.defineProperty(own, Symbol.hasInstance, {
    value(this: unknown, value: unknown): boolean {
      // A subclass inherits this method; so does what extends another copy's class.
      if (this !== own) return Function.prototype[Symbol.hasInstance].call(this, value);
      return typeof value === "object" && value !== null && brand in value;
    },
  });
}
