// Original file: proto/toolgate/v1/catalog.proto

import type { ToolsetSummary as _toolgate_v1_ToolsetSummary, ToolsetSummary__Output as _toolgate_v1_ToolsetSummary__Output } from '../../toolgate/v1/ToolsetSummary.js';
import type { QuarantinedToolset as _toolgate_v1_QuarantinedToolset, QuarantinedToolset__Output as _toolgate_v1_QuarantinedToolset__Output } from '../../toolgate/v1/QuarantinedToolset.js';

export interface ListToolsetsResponse {
  'toolsets'?: (_toolgate_v1_ToolsetSummary)[];
  'nextPageToken'?: (string);
  'stale'?: (boolean);
  'revision'?: (string);
  'quarantined'?: (_toolgate_v1_QuarantinedToolset)[];
}

export interface ListToolsetsResponse__Output {
  'toolsets': (_toolgate_v1_ToolsetSummary__Output)[];
  'nextPageToken': (string);
  'stale': (boolean);
  'revision': (string);
  'quarantined': (_toolgate_v1_QuarantinedToolset__Output)[];
}
