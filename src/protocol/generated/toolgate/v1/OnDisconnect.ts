// Original file: proto/toolgate/v1/gateway.proto

export const OnDisconnect = {
  ON_DISCONNECT_UNSPECIFIED: 'ON_DISCONNECT_UNSPECIFIED',
  ON_DISCONNECT_CONTINUE: 'ON_DISCONNECT_CONTINUE',
  ON_DISCONNECT_CANCEL: 'ON_DISCONNECT_CANCEL',
} as const;

export type OnDisconnect =
  | 'ON_DISCONNECT_UNSPECIFIED'
  | 0
  | 'ON_DISCONNECT_CONTINUE'
  | 1
  | 'ON_DISCONNECT_CANCEL'
  | 2

export type OnDisconnect__Output = typeof OnDisconnect[keyof typeof OnDisconnect]
