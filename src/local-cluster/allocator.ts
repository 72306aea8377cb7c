/**
 * The allocator's setting for nodes, as the container image has it: glibc gives buffers of 128 KiB and more (its own default,
 * `M_MMAP_THRESHOLD` in mallopt(3)) back to the system as soon as they are freed. Left to itself it raises that bound to the
 * largest buffer that was ever freed, up to 32 MiB; then what is freed after a flood of large messages stays with the
 * process. Other allocators ignore it.
 */
export const ALLOCATOR = { MALLOC_MMAP_THRESHOLD_: "131072" } as const;
