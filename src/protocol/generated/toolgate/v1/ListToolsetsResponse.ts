// Original file: proto/toolgate/v1/catalog.proto

import type { ToolsetSummary as _toolgate_v1_ToolsetSummary, ToolsetSummary__Output as _toolgate_v1_ToolsetSummary__Output } from '../../toolgate/v1/ToolsetSummary.js';

export interface ListToolsetsResponse {
  'toolsets'?: (_toolgate_v1_ToolsetSummary)[];
  'nextPageToken'?: (string);
  'stale'?: (boolean);
  'revision'?: (string);
}

export interface ListToolsetsResponse__Output {
  'toolsets': (_toolgate_v1_ToolsetSummary__Output)[];
  'nextPageToken': (string);
  'stale': (boolean);
  'revision': (string);
}
