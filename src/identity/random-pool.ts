/** How much is drawn at once, in bytes: one draw costs as much as drawing some hundred small ones. */
const POOL_BYTES = 4_096;

/** Random bytes for ids, drawn from their source by the pool. What is handed out is handed out once. */
export function pooledRandomBytes(draw: (size: number) => Buffer): (size: number) => Buffer {
  let pool: Buffer = Buffer.alloc(0);
  let used = 0;
  return (size) => {
    if (size > POOL_BYTES) return draw(size);
    if (used + size > pool.length) {
      pool = draw(POOL_BYTES);
      used = 0;
    }
    used += size;
    return pool.subarray(used - size, used);
  };
}
