// Original file: proto/toolgate/v1/catalog.proto

import type { Limits as _toolgate_v1_Limits, Limits__Output as _toolgate_v1_Limits__Output } from '../../toolgate/v1/Limits.js';

export interface GetRegistryResponse {
  'registry'?: (string);
  'nodeId'?: (string);
  'version'?: (string);
  'limits'?: (_toolgate_v1_Limits | null);
}

export interface GetRegistryResponse__Output {
  'registry': (string);
  'nodeId': (string);
  'version': (string);
  'limits': (_toolgate_v1_Limits__Output | null);
}
