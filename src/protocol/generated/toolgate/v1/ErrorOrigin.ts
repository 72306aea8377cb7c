// Original file: proto/toolgate/v1/gateway.proto

export const ErrorOrigin = {
  ERROR_ORIGIN_UNSPECIFIED: 'ERROR_ORIGIN_UNSPECIFIED',
  ERROR_ORIGIN_GATEWAY: 'ERROR_ORIGIN_GATEWAY',
  ERROR_ORIGIN_TOOL: 'ERROR_ORIGIN_TOOL',
} as const;

export type ErrorOrigin =
  | 'ERROR_ORIGIN_UNSPECIFIED'
  | 0
  | 'ERROR_ORIGIN_GATEWAY'
  | 1
  | 'ERROR_ORIGIN_TOOL'
  | 2

export type ErrorOrigin__Output = typeof ErrorOrigin[keyof typeof ErrorOrigin]
