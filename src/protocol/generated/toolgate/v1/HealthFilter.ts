// Original file: proto/toolgate/v1/catalog.proto

export const HealthFilter = {
  HEALTH_FILTER_UNSPECIFIED: 'HEALTH_FILTER_UNSPECIFIED',
  HEALTH_FILTER_HEALTHY: 'HEALTH_FILTER_HEALTHY',
  HEALTH_FILTER_UNHEALTHY: 'HEALTH_FILTER_UNHEALTHY',
} as const;

export type HealthFilter =
  | 'HEALTH_FILTER_UNSPECIFIED'
  | 0
  | 'HEALTH_FILTER_HEALTHY'
  | 1
  | 'HEALTH_FILTER_UNHEALTHY'
  | 2

export type HealthFilter__Output = typeof HealthFilter[keyof typeof HealthFilter]
