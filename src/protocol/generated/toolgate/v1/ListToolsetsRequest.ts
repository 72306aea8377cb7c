// Original file: proto/toolgate/v1/catalog.proto

import type { HealthFilter as _toolgate_v1_HealthFilter, HealthFilter__Output as _toolgate_v1_HealthFilter__Output } from '../../toolgate/v1/HealthFilter.js';

export interface ListToolsetsRequest {
  'tags'?: (string)[];
  'health'?: (_toolgate_v1_HealthFilter);
  'pageSize'?: (number);
  'pageToken'?: (string);
}

export interface ListToolsetsRequest__Output {
  'tags': (string)[];
  'health': (_toolgate_v1_HealthFilter__Output);
  'pageSize': (number);
  'pageToken': (string);
}
