// Original file: proto/toolgate/v1/contract.proto

export const DeliveryMode = {
  DELIVERY_MODE_UNSPECIFIED: 'DELIVERY_MODE_UNSPECIFIED',
  DELIVERY_MODE_ONCE: 'DELIVERY_MODE_ONCE',
  DELIVERY_MODE_IDEMPOTENT: 'DELIVERY_MODE_IDEMPOTENT',
} as const;

export type DeliveryMode =
  | 'DELIVERY_MODE_UNSPECIFIED'
  | 0
  | 'DELIVERY_MODE_ONCE'
  | 1
  | 'DELIVERY_MODE_IDEMPOTENT'
  | 2

export type DeliveryMode__Output = typeof DeliveryMode[keyof typeof DeliveryMode]
