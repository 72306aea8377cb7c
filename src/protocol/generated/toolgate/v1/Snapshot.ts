// Original file: proto/toolgate/v1/catalog.proto

import type { ToolsetSummary as _toolgate_v1_ToolsetSummary, ToolsetSummary__Output as _toolgate_v1_ToolsetSummary__Output } from '../../toolgate/v1/ToolsetSummary.js';

export interface Snapshot {
  'toolsets'?: (_toolgate_v1_ToolsetSummary)[];
  'more'?: (boolean);
}

export interface Snapshot__Output {
  'toolsets': (_toolgate_v1_ToolsetSummary__Output)[];
  'more': (boolean);
}
