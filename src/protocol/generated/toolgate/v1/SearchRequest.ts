// Original file: proto/toolgate/v1/catalog.proto

import type { HealthFilter as _toolgate_v1_HealthFilter, HealthFilter__Output as _toolgate_v1_HealthFilter__Output } from '../../toolgate/v1/HealthFilter.js';

export interface SearchRequest {
  'query'?: (string);
  'tags'?: (string)[];
  'health'?: (_toolgate_v1_HealthFilter);
  'pageSize'?: (number);
  'pageToken'?: (string);
}

export interface SearchRequest__Output {
  'query': (string);
  'tags': (string)[];
  'health': (_toolgate_v1_HealthFilter__Output);
  'pageSize': (number);
  'pageToken': (string);
}
