import type { status as GrpcCodes } from "@grpc/grpc-js";

/**
 * The codes of gRPC (https://grpc.io/docs/guides/status-codes/), for what needs to name them without a connection: loading
 * grpc-js for its enumeration alone takes longer than most of the command line's work. The compiler compares the two.
 */
export const status = {
  OK: 0,
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
} as const satisfies { readonly [Name in keyof typeof GrpcCodes]: (typeof GrpcCodes)[Name] };

/** One of them. A type of its own, so that the package's public types need no other package's. */
export type GrpcStatus = (typeof status)[keyof typeof status];
