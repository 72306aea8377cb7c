// Original file: proto/toolgate/v1/catalog.proto

import type { Limits as _toolgate_v1_Limits, Limits__Output as _toolgate_v1_Limits__Output } from '../../toolgate/v1/Limits.js';
import type { NodeInfo as _toolgate_v1_NodeInfo, NodeInfo__Output as _toolgate_v1_NodeInfo__Output } from '../../toolgate/v1/NodeInfo.js';

export interface GetRegistryResponse {
  'registry'?: (string);
  'nodeId'?: (string);
  'version'?: (string);
  'limits'?: (_toolgate_v1_Limits | null);
  'nodes'?: (_toolgate_v1_NodeInfo)[];
}

export interface GetRegistryResponse__Output {
  'registry': (string);
  'nodeId': (string);
  'version': (string);
  'limits': (_toolgate_v1_Limits__Output | null);
  'nodes': (_toolgate_v1_NodeInfo__Output)[];
}
